"""Which epoch of a training is kept."""

import numpy as np

from benchmark.statistics.fit_decision import fit_decision
from benchmark.statistics.metrics import compute_metrics
from benchmark.statistics.paired import clearly_worse
from benchmark.statistics.resampling import Scored
from benchmark.statistics.seeds import score
from benchmark.tasks.registry import Task


class EpochSelector:
    """Computes the main metric on validation, decided as the board decides, and the best epoch.

    A later epoch replaces the best one so far unless it is clearly worse (see `benchmark.statistics.paired`). The later
    epoch is preferred because the learning rate reaches zero only at the end. The plain maximum would follow chance: on
    SST-2 one of 688 validation sentences once decided for an epoch that was a point worse.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.epoch, self.best_epoch = task, 0, 0
        self.best: Scored | None = None
        self.logits = np.empty((0, 0))  # those of the best epoch

    def __call__(self, logits: np.ndarray, y_true: np.ndarray) -> dict[str, float]:
        """Take the logits of the next epoch and the gold labels, both of shape (n, num_labels)."""
        logits = np.nan_to_num(logits)
        task, scored = self.task, self._decided(logits, y_true)
        found = compute_metrics(task.problem_type, y_true, scored.y_score, scored.y_pred, [task.main_metric])
        self.epoch += 1
        if self.best is None or not clearly_worse(scored, self.best, task.main_metric):
            self.best_epoch, self.best, self.logits = self.epoch, scored, logits
        return {"main_metric": found[task.main_metric], "best_epoch": float(self.best_epoch)}

    def take_up(self, epoch: int, best_epoch: int, logits: np.ndarray, y_true: np.ndarray) -> None:
        """Go on after `epoch` epochs; `logits` are those of the best of them, and `y_true` the gold labels."""
        self.epoch, self.best_epoch, self.logits = epoch, best_epoch, logits
        self.best = self._decided(logits, y_true)

    def _decided(self, logits: np.ndarray, y_true: np.ndarray) -> Scored:
        task = self.task
        return score(fit_decision(task.problem_type, logits, y_true, task.rule, task.average), logits, y_true)

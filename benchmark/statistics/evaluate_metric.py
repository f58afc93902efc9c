"""The metrics as an `evaluate.Metric`, for code that uses that library. Import the class directly: `evaluate.load`
asks the hub. The import takes seconds, so the project itself calls `benchmark.statistics.metrics`."""

from typing import Any

import datasets
import evaluate
import numpy as np

from benchmark.statistics.metrics import compute_metrics

_PAIR = datasets.Sequence(datasets.Value("float32"))


class ClassificationMetrics(evaluate.Metric):
    """All metrics of a problem type, which is the `config_name`.

    `compute(predictions=y_score, references=y_true, y_pred=y_pred)`, each of shape (n, num_labels).
    """

    def __init__(self, problem_type: str, **options: Any) -> None:
        super().__init__(config_name=problem_type, keep_in_memory=True, **options)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Classification metrics of Encoder Zoo, thin over scikit-learn.",
            citation="",
            inputs_description="predictions: scores; references: 0 and 1; y_pred: 0 and 1; each (n, num_labels)",
            features=datasets.Features({"predictions": _PAIR, "references": _PAIR}),
        )

    def _compute(self, predictions: Any, references: Any, y_pred: np.ndarray) -> dict[str, float]:
        return compute_metrics(self.config_name, np.asarray(references).astype(int), np.asarray(predictions), y_pred)

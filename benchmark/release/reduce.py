"""Makes a checkpoint small: it takes the smallest form whose score on validation stays near the run's."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from benchmark.release.moments import measure_moments
from benchmark.statistics.fit_decision import fit_decision
from benchmark.statistics.metrics import compute_metrics
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.runs import Run
from zoo.checkpoints.checkpoint import TFIDF, Checkpoint, Reduction, read_checkpoint
from zoo.checkpoints.loading import compress_checkpoint, describe_checkpoint, load_model, read_tensors
from zoo.decision import Decision
from zoo.encoders.deltas import DELTA, write_delta, write_low_rank
from zoo.encoders.low_rank import Factors, factorise, share_out
from zoo.files import new_folder
from zoo.long_text import encode
from zoo.serving import load_classifier
from zoo.tfidf import TfidfModel, read_tfidf, write_tfidf

TOLERANCE = 0.002  # of the main metric on validation
MIB = 2**20
SIZES = tuple(size * MIB for size in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0))  # of what is cut
BITS = (4, 8)  # of a thin matrix's values: more ranks, or better ones
WHOLE_BITS = 4  # of a changed weight where no cut holds
TEXTS = 512  # of train, on which the logits' sensitivity is measured
Form = tuple[str, Callable[[Path], None]]  # what it is called, and what writes it to a folder


@dataclass(frozen=True)
class Reduced:
    """A small checkpoint: its folder, what it was measured by, and how it was made."""

    folder: Path
    metric: str
    reduction: Reduction

    @property
    def holds(self) -> bool:
        """Whether its score is near enough to the run's."""
        return self.reduction.after >= self.reduction.before - TOLERANCE

    @property
    def line(self) -> str:
        """One line that says size and difference."""
        size = sum(file.stat().st_size for file in self.folder.iterdir()) / MIB
        points = 100 * (self.reduction.after - self.reduction.before)
        kept = "" if self.holds else f"; no form stays within {100 * TOLERANCE:.1f} points, and this is the largest"
        found = f"{self.metric} on validation {self.reduction.after:.4f}, {points:+.2f} points from the run's"
        return f"wrote {self.folder} ({size:.2f} MiB, {self.reduction.form}): {found}{kept}"


def reduce_checkpoint(source: Path, target: Path, run: Run, task: Task, rows: Rows) -> Reduced:
    """Write the checkpoint in `source` to `target` in the smallest form that holds, or in the largest if none does.

    A form holds if the main metric on validation, with a decision that is fitted again, is at most TOLERANCE below the
    run's. An old `target` is replaced. Its decision is the one that was fitted again.
    """
    checkpoint, y_true = read_checkpoint(source), rows.validation.y_true
    before = fit_and_score(task, run.predictions.validation_logits, y_true)[1]
    forms = _tfidf_forms if (source / TFIDF).is_file() else _encoder_forms
    with TemporaryDirectory() as temporary:
        trial = Path(temporary) / "trial"
        for form, write in forms(source, checkpoint, rows.train.texts):
            write(trial)
            decision, after = fit_and_score(task, load_classifier(trial).predict_logits(rows.validation.texts), y_true)
            reduced = Reduced(target, task.main_metric, Reduction(form=form, before=before, after=after))
            if reduced.holds:
                break
        info = read_checkpoint(trial).info.model_copy(update={"reduction": reduced.reduction})
        with new_folder(target) as folder:
            shutil.copytree(trial, folder, dirs_exist_ok=True)
            weights = next(folder / name for name in (DELTA, TFIDF) if (folder / name).is_file())
            describe_checkpoint(folder, info, decision, weights, (source / "README.md").read_text(encoding="utf-8"))
            shutil.rmtree(target, ignore_errors=True)
    return reduced


def fit_and_score(task: Task, logits: np.ndarray, y_true: np.ndarray) -> tuple[Decision, float]:
    """Return the decision fitted on these rows, logits and gold labels (n, num_labels), and the main metric on them."""
    logits = logits.astype(np.float16).astype(np.float32)  # as a run stores them
    decision = fit_decision(task.problem_type, logits, y_true, task.rule, task.average)
    y_score = decision.scores(logits)
    metric = task.main_metric
    return decision, compute_metrics(task.problem_type, y_true, y_score, decision.decide(y_score), [metric])[metric]


def _encoder_forms(source: Path, checkpoint: Checkpoint, texts: Sequence[str]) -> Iterator[Form]:
    factors = _factorise(checkpoint, _some(texts))
    for size, bits in product(SIZES, BITS):
        cut = share_out(factors, bits, size)
        products = {name: (each.left, each.right) for name, each in cut.items()}
        mean = np.mean([len(each.gains) for each in cut.values()])
        write = partial(write_low_rank, products=products, bits=bits)
        yield f"rank {mean:.0f} on average in {bits} bits", partial(compress_checkpoint, source, write=write)
    whole = partial(write_delta, bits=WHOLE_BITS)
    yield f"{WHOLE_BITS} bits a weight", partial(compress_checkpoint, source, write=whole)


def _factorise(checkpoint: Checkpoint, texts: list[str]) -> dict[str, Factors]:
    """Return the factors of all that fine-tuning changed in the matrices below the last one, the head's."""
    info = checkpoint.info
    pretrained, tuned = read_tensors(checkpoint)
    model, tokenizer = load_model(checkpoint)
    windows = encode(tokenizer, texts, info.max_length, info.long_text)
    moments = measure_moments(model, [first for first, *_ in windows])
    changes = {name: tuned[name] - pretrained.get(name, np.float32(0)) for name in moments}
    head = {name for name in changes if name not in pretrained and len(tuned[name]) == len(info.labels)}
    return {
        name: factorise(changes[name], moments[name]) for name in changes if changes[name].any() and name not in head
    }


def _some(texts: Sequence[str]) -> list[str]:
    rows = np.random.default_rng(0).permutation(len(texts))[:TEXTS]
    return [texts[row] for row in rows]


def _tfidf_forms(source: Path, checkpoint: Checkpoint, texts: Sequence[str]) -> Iterator[Form]:
    model = read_tfidf(source / TFIDF, len(checkpoint.info.labels))
    features = model.vectorizer.transform(texts)
    strength = np.sqrt(np.asarray(features.power(2).mean(axis=0)).ravel())
    for size in SIZES:
        cut = prune(model, strength, size)
        yield f"the {cut.coefficients.nnz:,} strongest coefficients", partial(_write_tfidf, source, cut)
    yield f"all {model.coefficients.nnz:,} coefficients", partial(_write_tfidf, source, model)


def _write_tfidf(source: Path, model: TfidfModel, target: Path) -> None:
    checkpoint = read_checkpoint(source)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    write_tfidf(target / TFIDF, model)
    describe_checkpoint(target, checkpoint.info, checkpoint.decision, target / TFIDF, "")


def prune(model: TfidfModel, strength: np.ndarray, size: float) -> TfidfModel:
    """Return the model with the coefficients that matter most, as many as fit into `size` bytes, and their terms.
    The file is smaller still, because the terms are compressed.

    A coefficient matters by its part in its label's logits: its size times its term's root mean square `strength`
    (terms,), over the root of the label's sum of such squares.
    """
    entries = coo_matrix(model.coefficients)
    part = np.abs(entries.data) * strength[entries.row]
    part /= np.sqrt(np.bincount(entries.col, part**2, len(model.intercept)))[entries.col] + 1e-30
    order = np.argsort(-part, kind="stable")
    first = np.zeros(len(order), bool)
    first[np.unique(entries.row[order], return_index=True)[1]] = True
    terms = np.array([len(json.dumps(term, ensure_ascii=False).encode()) for term in model.vocabulary.terms])
    costs = 3 + first * (terms[entries.row[order]] + 5)  # a comma, the frequency and how many coefficients
    kept = np.sort(order[: np.searchsorted(costs.cumsum(), size, side="right")])
    columns, rows = np.unique(entries.row[kept], return_inverse=True)
    shape = (len(columns), len(model.intercept))
    vocabulary = model.vocabulary.model_copy(update={"terms": tuple(model.vocabulary.terms[c] for c in columns)})
    coefficients = csr_matrix((entries.data[kept], (rows, entries.col[kept])), shape=shape)
    return TfidfModel(vocabulary, model.idf[columns], coefficients, model.intercept)

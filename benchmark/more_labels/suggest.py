"""Which texts to label first: texts that a model is unsure of, each of another kind.

The method is that of Zhdanov 2019, "Diverse mini-batch Active Learning". Of all texts, the
WIDER times as many with the highest entropy of scores are looked at. K-means divides them by what the model's last
layer reads, each weighted by its entropy. The text nearest to each centre is taken.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_matrix
from scipy.special import entr
from sklearn.cluster import KMeans
from transformers import PreTrainedModel

from benchmark.tasks.row_facts import normalized
from benchmark.training.losses import last_linear
from zoo.classifier import predict_logits
from zoo.decision import ProblemType
from zoo.errors import UserError
from zoo.long_text import encode
from zoo.onnx_classifier import OnnxClassifier
from zoo.row_files.format import RowFile
from zoo.row_files.row_reader import BATCH, read_plain_rows
from zoo.serving import AnyClassifier
from zoo.tfidf import TfidfClassifier

Features: TypeAlias = np.ndarray | csr_matrix
WIDER = 3


def read_texts(source: RowFile, text_column: str) -> list[str]:
    """Return the texts of a file, looked through; a missing one is empty.

    Raises:
        UserError: a text is none.
    """
    texts = []
    for number, (text,) in enumerate(read_plain_rows(source, [text_column], BATCH), 1):
        if not isinstance(text, str | None):
            raise UserError(
                f"{source.path}: row {number} has {str(text)[:40]!r} in the column '{text_column}', which is no text; "
                "name another with --text-column"
            )
        texts.append(text or "")
    return texts


class _WithFeatures(torch.nn.Module):
    """A model whose "logits" are followed by what its last layer reads."""

    def __init__(self, model: PreTrainedModel, num_labels: int) -> None:
        super().__init__()
        self.model, self.device = model, model.device
        layer = last_linear(model, num_labels)
        layer.register_forward_pre_hook(self._keep)
        self.config = SimpleNamespace(num_labels=num_labels + layer.in_features)

    def _keep(self, layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self.read = inputs[0].flatten(1)

    def forward(self, **batch: Any) -> Any:
        logits = self.model(**batch).logits
        return SimpleNamespace(logits=torch.cat([logits, self.read], dim=1))


def look(classifier: AnyClassifier, texts: Sequence[str]) -> tuple[np.ndarray, Features]:
    """Return the calibrated scores of texts (n, num_labels), and what the model's last layer reads (n, features).

    Raises:
        UserError: the model is an export to ONNX, which does not give away what its last layer reads.
    """
    if isinstance(classifier, TfidfClassifier):
        return classifier.predict_scores(texts), classifier.model.vectorizer.transform(texts)
    if isinstance(classifier, OnnxClassifier):
        raise UserError("An export to ONNX cannot suggest texts; give the checkpoint that it was made of")
    info = classifier.info
    model: Any = _WithFeatures(classifier.model, len(info.labels))
    windows = encode(classifier.tokenizer, texts, info.max_length, info.long_text)
    found = predict_logits(model, classifier.tokenizer, windows)
    return classifier.decision.scores(found[:, : len(info.labels)]), found[:, len(info.labels) :]


def uncertainty(problem_type: ProblemType, y_score: np.ndarray) -> np.ndarray:
    """Return the entropy of the scores of each text in nats, shape (n,): in a multi-label problem the sum over the
    labels."""
    if problem_type == "single_label_classification":
        return entr(y_score).sum(axis=1)
    return (entr(y_score) + entr(1 - y_score)).sum(axis=1)


def choose(features: Features, weights: np.ndarray, number: int, seed: int = 0) -> np.ndarray:
    """Return the rows of `number` texts, the highest weight first.

    Args:
        features: shape (n, features).
        weights: how unsure the model is of each text, shape (n,).
        number: at most n.
        seed: of k-means.
    """
    unsure = np.argsort(-weights, kind="stable")[: WIDER * number]
    clusters = KMeans(number, n_init=1, random_state=seed).fit(features[unsure], sample_weight=weights[unsure] + 1e-9)
    distance = clusters.transform(features[unsure])[np.arange(len(unsure)), clusters.labels_]
    table = pd.DataFrame({"row": unsure, "cluster": clusters.labels_, "distance": distance})
    nearest = table.sort_values("distance", kind="stable").drop_duplicates("cluster")["row"].to_numpy()
    return nearest[np.argsort(-weights[nearest], kind="stable")]


def suggest(classifier: AnyClassifier, texts: Sequence[str], number: int) -> pd.DataFrame:
    """Return the texts to label first, the most unsure first. Empty texts are left out, and so are repeated ones.

    Columns: row (from 1), text, labels (what the model would give, with | between), uncertainty (see `uncertainty`).

    Raises:
        UserError: there are fewer different texts than `number`.
    """
    rows = list({normalized(text): row for row, text in reversed([*enumerate(texts)]) if text.strip()}.values())[::-1]
    if len(rows) < number:
        raise UserError(f"There are {len(rows):,} different texts, and {number:,} are asked for; give a lower -n")
    y_score, features = look(classifier, [texts[row] for row in rows])
    weights = uncertainty(classifier.info.problem_type, y_score)
    chosen = choose(features, weights, number)
    names, decided = np.array(classifier.info.labels, object), classifier.decide(y_score[chosen]) == 1
    return pd.DataFrame(
        {
            "row": [rows[at] + 1 for at in chosen],
            "text": [texts[rows[at]] for at in chosen],
            "labels": ["|".join(names[each]) for each in decided],
            "uncertainty": weights[chosen].round(4),
        }
    )

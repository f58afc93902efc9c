"""Loads whatever serves a checkpoint; torch is imported only for one that needs it."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

from zoo.checkpoints.checkpoint import ONNX, TFIDF
from zoo.tfidf import TfidfClassifier

if TYPE_CHECKING:
    from zoo.classifier import Classifier
    from zoo.onnx_classifier import OnnxClassifier

AnyClassifier = Union["Classifier", "OnnxClassifier", TfidfClassifier]


def load_classifier(folder: Path) -> AnyClassifier:
    """Load the checkpoint in `folder`.

    Raises:
        UserError: the checkpoint is missing, incomplete or damaged, or its encoder is not at hand.
    """
    if (folder / TFIDF).is_file():
        return TfidfClassifier.load(folder)
    if (folder / ONNX).is_file():
        from zoo.onnx_classifier import OnnxClassifier

        return OnnxClassifier.load(folder)
    from zoo.classifier import Classifier

    return Classifier.load(folder)

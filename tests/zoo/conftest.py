"""A tiny checkpoint to predict files of texts with."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tests.checkpoints import toy_info
from tests.zoo.predictions import LABELS
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.decision import Decision


@pytest.fixture(scope="module")
def checkpoint(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints") / "own" / "tiny"
    model = new_model(tiny_bert, "multi_label_classification", LABELS)
    model.classifier.weight.data *= 40
    info = toy_info(task="own", labels=LABELS, max_length=32)
    decision = Decision(problem_type="multi_label_classification", rule="fixed", thresholds=(0.5, 0.4, 0.6))
    save_checkpoint(folder, info, decision, model, AutoTokenizer.from_pretrained(tiny_bert), "For tests.\n")
    return folder

"""Runs that no training made, to test what reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.tasks.registry import TASKS
from benchmark.training.recipes import default_recipe
from benchmark.training.runs import PROTOCOL, Predictions, RunInfo, run_folder, run_id, write_run
from zoo.encoders.registry import get_encoder

WriteRun = Callable[..., Path]


def make_predictions(num_labels: int, multi_label: bool, seed: int, n: int = 60) -> Predictions:
    """Return noisy logits of random gold labels; the labels are the same for every seed."""
    gold, rng = np.random.default_rng(0), np.random.default_rng([seed, 1])

    def split() -> tuple[np.ndarray, np.ndarray]:
        y_true = (
            gold.random((n, num_labels)) < 0.3 if multi_label else np.eye(num_labels)[gold.integers(0, num_labels, n)]
        )
        return (3 * y_true - 1.5 + rng.normal(size=y_true.shape)).astype(np.float32), y_true.astype(np.int8)

    return Predictions(*split(), *split())


def synthetic_writer(root: Path) -> WriteRun:
    """Return what writes a run of `task` by `encoder` with `seed` below `root` / results; keywords change fields."""

    def write(task: str = "feedback", encoder: str = "minilm-l6", seed: int = 0, **changes: Any) -> Path:
        spec, source = TASKS[task], get_encoder(encoder)
        recipe = default_recipe(source, spec, seed, **changes.pop("recipe", {}))
        identifier = changes.pop("id", run_id(source, spec, "rows", recipe))
        predictions = changes.pop("predictions", None) or make_predictions(len(spec.labels), spec.multi_label, seed)
        info = RunInfo.model_validate(
            {
                "id": identifier,
                "task": task,
                "problem_type": spec.problem_type,
                "labels": spec.labels,
                "reported": spec.reported,
                "split_seed": spec.split_seed,
                "fingerprint": "rows",
                "encoder": source.name,
                "family": source.family,
                "revision": source.revision,
                "recipe": recipe,
                "protocol": PROTOCOL,
                "epochs": ({"epoch": 1, "loss": 0.5, "main_metric": 0.4},),
                "best_epoch": 1,
                "parameters": 22_700_000,
                "embedding_parameters": 11_000_000,
                "trained_parameters": 11_700_000,
                "truncated": 0.0,
                "train_seconds": 10.0 + seed,
                "train_examples_per_second": 100.0,
                "inference_examples_per_second": 500.0,
                "peak_memory_mib": 700.0,
                "latency": ({"length": 64, "p50_ms": 5.0, "p95_ms": 6.0, "texts_per_second": 400.0},),
                "hardware": {"processor": "one", "threads": 1},
                "versions": {"torch": "1"},
                "commit": "unknown",
                **changes,
            }
        )
        folder = run_folder(root / "results", task, source.name, seed, identifier)
        write_run(folder, info, predictions)
        return folder

    return write


@pytest.fixture
def write_synthetic(tmp_path: Path) -> WriteRun:
    """Write runs below `tmp_path` / results (see `synthetic_writer`)."""
    return synthetic_writer(tmp_path)

"""What the tests share: two tiny random encoders and a folder of made-up rows. Nothing reaches the network."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_EVALUATE_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# The models and tables are too small for a second thread to pay, and other work may run beside the tests: threads that
# wait for the next product keep a core busy. Before the first import of numpy, which reads these.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import gc
import json
import shutil
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

from benchmark.tasks.registry import TASKS, Task

if TYPE_CHECKING:  # what takes seconds to import; the process that hands out the tests needs none of it
    from benchmark.tasks.rows import Rows
    from tests.hub_server import Hub


WORDS = "the parcel arrived late refund price good bad great awful happy sad service and was it very . , !".split()
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 160,
    "initializer_range": 0.1,  # as small a model with smaller weights tells its texts hardly apart
}
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("suite")
DATA_ENV = "ENCODER_ZOO_DATA"
ToyRows = Callable[..., "Rows"]


# The files that take longest are begun first, so that no process has one left to do when the others have ended: those
# of the campaigns, of the slow tests, then of the quick ones.
LONGEST = (
    "benchmark/statistics/test_simulated_encoders.py",
    "benchmark/statistics/test_intervals.py",
    "test_kills.py",
    "benchmark/release/test_round_trip.py",
    "benchmark/training/test_sharing.py",
    "benchmark/own_data/test_own_task.py",
    "benchmark/tasks/test_splits.py",
    "demo/test_space.py",
    "demo/test_accessibility.py",
    "demo/compare/test_page.py",
    "demo/batch/test_batch_page.py",
    "demo/compare/test_thresholds.py",
    "benchmark/commands/test_run_cli.py",
    "demo/leaderboard/test_board.py",
    "demo/leaderboard/test_leaderboard_page.py",
    "zoo/pretraining/test_pretrain.py",
    "test_light_starts.py",
    "benchmark/test_label_errors.py",
    "benchmark/training/test_tuning.py",
    "demo/explore/test_explore_page.py",
    "demo/audit/test_audit.py",
    "demo/api/test_rest.py",
    "benchmark/board/test_store.py",
    "benchmark/board/test_build.py",
    "benchmark/training/test_fine_tune.py",
    "benchmark/training/test_grid.py",
    "zoo/test_onnx_classifier.py",
    "zoo/test_attribution.py",
    "demo/test_own_data.py",
    "demo/explore/test_explore.py",
    "demo/attribution/test_attribution.py",
    "demo/test_hostile.py",
)


def pytest_configure() -> None:
    """Until all tests are collected nothing is garbage: to look for it takes a third of the imports' time."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by file (with `--no-loadscope-reorder`, without which pytest-xdist begins with those of many tests)."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


def pytest_collection_finish() -> None:
    """The Trainer collects garbage before and after each training, 0.3 s for the objects of all that is imported here;
    frozen ones are passed over."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Unpacked encoders go to a folder of this session, not to the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENCODER_ZOO_CACHE", str(folder))
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """torch has its own number."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _few_timings() -> Iterator[None]:
    """Each training times its model; to do so 40 times at each length takes as long as a tiny training."""
    from benchmark.training import latency

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "SINGLES", 4)
        patch.setattr(latency, "BATCHES", 1)
        yield


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BertModel of two layers with random weights and a WordPiece vocabulary of words and letters, as a folder."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoders") / "tiny-bert"
    letters = string.ascii_lowercase + string.digits
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    vocabulary += [c for c in letters if c not in vocabulary] + [f"##{c}" for c in letters]
    return _save(
        folder,
        BertTokenizerFast(vocab={token: i for i, token in enumerate(vocabulary)}),
        BertModel,
        BertConfig(vocab_size=len(vocabulary), **SIZE),
    )


@pytest.fixture(scope="session")
def tiny_roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RobertaModel of two layers with random weights and a small byte-level BPE vocabulary, as a folder."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

    folder = tmp_path_factory.mktemp("encoders") / "tiny-roberta"
    tokens, merges = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet())], []
    for word in WORDS:
        for end in range(1, len(word) + 1):
            merge = (f"Ġ{word[: end - 1]}", word[end - 1])
            if merge not in merges:
                merges.append(merge)
                tokens.append("".join(merge))
    tokens.append("<mask>")
    return _save(
        folder,
        RobertaTokenizerFast(vocab={token: i for i, token in enumerate(tokens)}, merges=merges, add_prefix_space=True),
        RobertaModel,
        RobertaConfig(vocab_size=len(tokens), pad_token_id=1, bos_token_id=0, eos_token_id=2, **SIZE),
    )


def _save(folder: Path, tokenizer: object, kind: type, config: object) -> Path:
    import torch

    torch.manual_seed(0)
    kind(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    return folder


@pytest.fixture(scope="session")
def toy_task() -> Task:
    """Two labels, each told by words of its own: a text can have one, both or none."""
    return Task("toy", "multi_label_classification", "en", ("good", "late", "never"), "f1_macro")


@pytest.fixture(scope="session")
def toy_rows() -> ToyRows:
    """Make rows whose labels follow from their words, for `toy_task` or a task of two single labels."""
    return _toy_rows


def _toy_rows(task: Task, sizes: tuple[int, int, int] = (64, 32, 32), seed: int = 0) -> "Rows":
    from benchmark.tasks.rows import Rows, Split

    rng = np.random.default_rng(seed)

    def split(n: int) -> Split:
        truth = rng.integers(0, 2, (n, 2))
        texts = []
        for good, late in truth:
            words = [("bad", "good")[good], ("refund", "late")[late], *rng.choice(["the", "it", "was"], 3)]
            texts.append(" ".join(rng.permutation(words)))
        labels = np.column_stack([truth, np.zeros(n, int)]) if task.multi_label else np.eye(2, dtype=int)[truth[:, 0]]
        return Split(texts, labels.astype(np.int8))

    train, validation, test = (split(n) for n in sizes)
    return Rows(train, validation, test, fingerprint="toy")


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with made-up rows of every task whose rows the project does not carry itself."""
    root = tmp_path_factory.mktemp("data")
    for task in TASKS.values():
        if not task.embedded:
            _write_dataset(root / task.name, task)
    return root


@pytest.fixture(scope="session")
def write_dataset() -> Callable[[Path, Task], None]:
    """Write a folder of made-up rows for a task."""
    return _write_dataset


def _write_dataset(folder: Path, task: Task, n: int = 40) -> None:
    """Write `<split>.parquet` and dataset.json for `task`, texts unique to their row and split."""
    import pandas as pd

    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    k = min(len(task.labels), 6)
    for split in ("train", "validation", "test"):
        texts = [f"{split} row {row} {rng.choice(WORDS)}" for row in range(n)]
        if task.multi_label:
            labels = [sorted(rng.choice(k, rng.integers(0, 4), replace=False).tolist()) for _ in range(n)]
            frame = pd.DataFrame({"text": texts, "labels": labels})
        else:
            frame = pd.DataFrame({"text": texts, "label": [row % len(task.labels) for row in range(n)]})
        frame.to_parquet(folder / f"{split}.parquet")
    (folder / "dataset.json").write_text(json.dumps({"labels": list(task.labels)}), encoding="utf-8")


@pytest.fixture
def real_data() -> Path:
    """The folder of the real datasets, where the user has one."""
    if not os.environ.get(DATA_ENV):
        pytest.skip(f"needs the real datasets: set {DATA_ENV} to their folder")
    return Path(os.environ[DATA_ENV])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Hub"]:
    """A hub on loopback that the client of this process asks."""
    from huggingface_hub import constants

    from tests.hub_server import client_settings, serve_hub

    with serve_hub() as hub:
        for name, value in client_settings(hub, tmp_path / "hub-cache").items():
            monkeypatch.setattr(constants, name, value)
        yield hub

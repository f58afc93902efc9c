"""Tiny random checkpoints, a small leaderboard, the app on a free port, and a Chromium to open it with."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmark.board.tables import Board, write_tables
from benchmark.tasks.registry import TASKS, as_json
from demo.bench_app import find_chromium
from zoo.checkpoints.checkpoint import CheckpointInfo
from zoo.checkpoints.loading import save_checkpoint
from zoo.decision import Decision, ProblemType

FEEDBACK = TASKS["feedback"].labels
MARKUP = "<img src=x onerror='window.hacked=1'>"
MANY = (MARKUP, *(f"label {number}" for number in range(1, 90)))
MAX_LENGTH = 64
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",  # the scripts of a page are compiled once for all pages; half of the time that opening takes
]


def _make_checkpoint(
    folder: Path, labels: tuple[str, ...], problem_type: ProblemType, seed: int, thresholds: tuple[float, ...]
) -> Path:
    """Write a random two-layer BERT as a checkpoint, its scores spread over [0, 1]."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = "abcdefghijklmnopqrstuvwxyz.,'"
    words = {word: i for i, word in enumerate([*special, *letters, *(f"##{letter}" for letter in letters)])}
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        problem_type=problem_type,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    model = BertForSequenceClassification(config)
    model.classifier.weight.data *= 60
    info = CheckpointInfo(
        task=folder.parent.name,
        problem_type=problem_type,
        language="en",
        labels=labels,
        encoder="tiny",
        revision="1",
        max_length=MAX_LENGTH,
        run="0",
    )
    rule = "argmax" if problem_type == "single_label_classification" else "per_label"
    decision = Decision(problem_type=problem_type, rule=rule, thresholds=thresholds)
    save_checkpoint(folder, info, decision, model, wrapped, "A random model, for tests.\n")
    return folder


@pytest.fixture
def make_checkpoint() -> Callable[..., Path]:
    """The maker of tiny checkpoints: (folder, labels, problem_type, seed, thresholds) -> folder."""
    return _make_checkpoint


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three multi-label checkpoints of `feedback`, two single-label ones of `sst2`, two of a task with 90 labels."""
    root = tmp_path_factory.mktemp("checkpoints")
    for seed, name in enumerate(("alpha", "beta", "gamma")):
        thresholds = tuple((0.15 + 0.1 * seed + 0.05 * i) for i in range(len(FEEDBACK)))
        _make_checkpoint(root / "feedback" / name, FEEDBACK, "multi_label_classification", seed, thresholds)
    for seed, name in enumerate(("alpha", "beta")):
        _make_checkpoint(
            root / "sst2" / name, ("negative", "positive"), "single_label_classification", seed, (0.0, 0.0)
        )
        _make_checkpoint(root / "zz_many" / name, MANY, "multi_label_classification", seed, (0.5,) * len(MANY))
    return root


@pytest.fixture
def damaged(checkpoints: Path, tmp_path: Path) -> Path:
    """A folder with one whole checkpoint and several that are damaged, each in another way."""
    root = tmp_path / "checkpoints"
    ways = ("fine", "weights", "decision", "labels", "tokenizer", "config")
    for name in ways:
        shutil.copytree(checkpoints / "feedback" / "alpha", root / "feedback" / name)
    (root / "feedback" / "weights" / "model.safetensors").write_bytes(b"cut short")
    (root / "feedback" / "decision" / "decision.json").write_text('{"thresholds": [NaN]}')
    (root / "feedback" / "labels" / "checkpoint.json").write_text("not JSON")
    (root / "feedback" / "tokenizer" / "tokenizer.json").write_text("{}")
    (root / "feedback" / "config" / "config.json").write_text("\x00\x01")
    return root


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published leaderboard: two tasks, three encoders."""
    folder = tmp_path_factory.mktemp("results")
    multi = product(("feedback",), ("fixed", "global", "per_label"), ("f1_micro", "f1_macro"))
    single = product(("sst2",), ("argmax",), ("accuracy", "f1_macro", "mcc"))
    scores = product(("feedback", "sst2"), ("scores", "raw"), ("map", "lrap", "auc", "ece"))
    rows = [
        {"task": task, "encoder": encoder, "family": family, "rule": rule, "metric": metric, "value": value}
        for task, rule, metric in (*multi, *single, *scores)
        for encoder, family, value in (("small", "bert", 0.7), ("large", "bert", 0.8), ("words", "linear", 0.6))
    ]
    costs = {"small": (9e6, 60.0, 7.0), "large": (1e8, 900.0, 80.0), "words": (0.0, 1.0, 0.5)}
    board = pd.DataFrame(rows).assign(
        variant="",
        seeds=3,
        n=200,
        sd=0.01,
        sd_rows=0.01,
        sd_seeds=0.01,
        peak_memory_mib=100.0,
        p95_ms=99.0,
        truncated=0.0,
    )
    board["low"], board["high"] = board["value"] - 0.02, board["value"] + 0.03
    board["rank_low"] = board["rank_high"] = pd.array([1] * len(board), dtype="Int64")
    for position, name in enumerate(("parameters", "train_seconds", "p50_ms")):
        board[name] = [costs[encoder][position] for encoder in board["encoder"]]
    board["train_examples_per_second"] = board["texts_per_second"] = 10.0
    board["flags"] = ""
    overall = pd.DataFrame({"language": "en", "encoder": ["large", "small"], "tasks": 2, "mean_rank": [1.0, 2.0]})
    overall["low"], overall["high"] = [1.0, 1.5], [1.5, 2.0]
    empty = {field.name: pd.DataFrame() for field in fields(Board)}
    tasks = pd.DataFrame([(name, as_json(TASKS[name])) for name in ("feedback", "sst2")], columns=["task", "spec"])
    tables = Board(**empty | {"cells": board, "overall": overall, "tasks": tasks})
    write_tables(tables, folder / "board")
    return folder


@pytest.fixture(autouse=True, scope="session")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests' flags are kept."""
    folder = tmp_path_factory.mktemp("flags")
    os.environ["ENCODER_ZOO_FLAGS"] = str(folder)
    return folder


def _serve(checkpoints: Path | None, results: Path | None) -> Iterator[str]:
    from app import build

    demo, arguments = build(checkpoints, results)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
    yield address
    demo.close()


@pytest.fixture(scope="session")
def address(checkpoints: Path, results: Path) -> Iterator[str]:
    """The address of the app, running in this process."""
    yield from _serve(checkpoints, results)


@pytest.fixture(scope="session")
def own_address() -> Iterator[str]:
    """The address of the app on the project's own checkpoints and results."""
    yield from _serve(None, None)


@pytest.fixture
def damaged_address(damaged: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the app on damaged checkpoints and without results."""
    yield from _serve(damaged, tmp_path / "no-results")


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserContext]:
    """A headless Chromium; its pages share one cache."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium on this machine; install one (apt-get install chromium) to test the page")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=_QUIET)
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        keeper = context.new_page()  # keeps the one process of all pages alive when no other page is open
        keeper.route("**", lambda route: route.fulfill(body=""))
        keeper.goto("http://127.0.0.1/")
        yield context
        chromium.close()


@pytest.fixture(scope="session")
def chinese(browser: BrowserContext) -> BrowserContext:
    """The same Chromium of a visitor who reads Chinese."""
    assert browser.browser is not None
    return browser.browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")


@pytest.fixture
def blank(browser: BrowserContext) -> Iterator[Page]:
    """An empty page that fails its test on any error of the page's own scripts."""
    page = browser.new_page()
    page.set_default_timeout(40_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def page(blank: Page, address: str) -> Page:
    """The app, opened at Compare, with its opening comparison on screen."""
    blank.goto(f"{address}#tab=compare")
    blank.wait_for_selector(".zoo-table")
    return blank

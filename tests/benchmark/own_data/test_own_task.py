"""A task of a user's own data: how it is split, what it is called, and when its folder is another's."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from benchmark.board.build import build_entries
from benchmark.board.entries import make_entries
from benchmark.own_data.columns import Columns, choose_columns
from benchmark.own_data.data_report import Lengths
from benchmark.own_data.own_task import Declared, OwnTask, declare, make_task, prepare
from benchmark.own_data.reading import OwnData, read_own
from benchmark.tasks.registry import TASKS, known_tasks, write_task
from benchmark.tasks.row_facts import find_row_facts, groups_of
from benchmark.tasks.rows import read_rows, write_splits
from benchmark.training.grid import plan, run_grid
from benchmark.training.runs import RESULTS, read_run
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

ROOT = Path(__file__).parents[3]
ONE, SEVERAL = Columns("text", ("label",), "one"), Columns("text", ("labels",), "several")


def _data(texts: Sequence[str], y_true: np.ndarray, part: np.ndarray | None = None) -> OwnData:
    labels = tuple(f"l{number}" for number in range(y_true.shape[1]))
    given = np.zeros(len(texts), np.int8) if part is None else part
    names = tuple(name for number, name in enumerate(("train", "validation", "test")) if number in given)
    return OwnData("my.csv", pa.chunked_array([list(texts)]), csr_array(y_true.astype(np.int8)), labels, given, names)


def _single(n: int, classes: int = 2) -> np.ndarray:
    return np.eye(classes, dtype=np.int8)[np.arange(n) % classes]


def _make(data: OwnData, columns: Columns = ONE) -> OwnTask:
    return make_task(data, Declared("my.csv", columns, "mine", "any"), [], {})


def test_rows_are_split_once_and_the_same_every_time() -> None:
    data = _data([f"text {row}" for row in range(200)], _single(200))
    own = _make(data)
    parts = (own.rows.train, own.rows.validation, own.rows.test)
    assert [len(part) for part in parts] == [160, 20, 20]
    assert sorted(text for part in parts for text in part.texts) == sorted(data.texts.to_pylist())
    assert all(part.y_true.sum(axis=0).tolist() == [len(part) / 2] * 2 for part in parts)
    assert own.rows.fingerprint == _make(data).rows.fingerprint == own.report.fingerprint
    assert own.task.main_metric == "accuracy"
    assert "80% / 10% / 10%" in own.report.splits
    assert own.task.own_splits == own.report.splits
    other = _make(replace(data, texts=pa.chunked_array([["changed", *data.texts.to_pylist()[1:]]])))
    assert other.rows.fingerprint != own.rows.fingerprint


def test_the_same_text_never_stands_in_two_parts() -> None:
    texts = [f"text {row % 40}".upper() if row % 3 else f"text  {row % 40}" for row in range(200)]
    own = _make(_data(texts, _single(200, 3)))
    assert own.report.repeated == 160
    assert set(own.report.in_two_parts.values()) == {0}
    assert own.report.contradictory == 40


def test_splits_of_the_users_own_stay_and_a_missing_validation_comes_out_of_train() -> None:
    texts, y_true = [f"text {row % 90}" for row in range(100)], _single(100)
    whole = np.repeat([0, 1, 2], [60, 20, 20]).astype(np.int8)
    own = _make(_data(texts, y_true, whole))
    assert own.rows.test.texts == texts[80:]
    assert own.report.in_two_parts["train and test"] == 10
    assert own.report.splits == "as given"
    without = _make(_data(texts, y_true, np.where(whole == 1, 0, whole).astype(np.int8)))
    assert without.rows.test.texts == texts[80:]
    assert [len(without.rows.train), len(without.rows.validation)] == [72, 8]
    assert without.report.splits.startswith("test as given; validation is 10% of train")


def test_rare_labels_are_kept_and_too_few_rows_are_told() -> None:
    y_true = np.column_stack([np.arange(300) % 2, np.arange(300) == 0])
    own = _make(_data([f"text {row}" for row in range(300)], y_true), SEVERAL)
    assert [fact.rare for fact in own.report.labels] == [False, True]
    assert own.task.labels == ("l0", "l1")
    assert own.task.main_metric == "f1_macro"
    for n, found in ((3, "no rows"), (8, "1 rows with one label only")):
        with pytest.raises(UserError, match=f"its validation part has {found}; give more rows"):
            _make(_data([f"text {row}" for row in range(n)], _single(n)))


def test_tokens_are_counted_for_each_encoder_against_the_recipes_limit(tiny_bert: Path) -> None:
    given = np.repeat([0, 1, 2], [60, 20, 20]).astype(np.int8)
    data = _data(["good", "good bad the " * 5] * 50, _single(100), given)
    encoders = [get_encoder("tfidf-lr"), get_encoder(str(tiny_bert))]
    own = make_task(data, Declared("my.csv", ONE, "mine", "en"), encoders, {"max_length": 10})
    assert own.report.lengths[1] == Lengths(f"tokens of {encoders[1].name}", 100, 10.0, 17.0, 17, 10, 0.5)
    with pytest.raises(UserError, match="max_lenth"):
        make_task(data, Declared("my.csv", ONE, "mine", "en"), encoders, {"max_lenth": 10})


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("data/My reviews (2).csv", "", "My-reviews-2"),
        ("hub:someone/reviews", "", "reviews"),
        ("hub:someone/reviews-v1.5:fr", "", "reviews-v1-5-fr"),
        ("folder/", "", "folder"),
        ("评论.csv", "", "评论"),
        ("my.csv", "other_name-1", "other_name-1"),
    ],
)
def test_a_task_is_named_after_its_file(source: str, name: str, expected: str) -> None:
    assert declare(source, ONE, name, "any").name == expected


@pytest.mark.parametrize(
    ("source", "name", "language", "message"),
    [
        ("my.csv", "../up", "any", "'../up' cannot name a task"),
        ("!!.csv", "", "any", "'' cannot name a task"),
        ("my.csv", "board", "any", "'board' is taken by the project itself"),
        ("sst2.csv", "", "any", "give your data another name with --name"),
        ("my.csv", "", "fr", "Unknown language 'fr'"),
    ],
)
def test_a_name_that_cannot_be_is_told(source: str, name: str, language: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        declare(source, ONE, name, language)


def test_a_folder_of_other_data_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    rows = "".join(f"text {row},{'ab'[row % 2]}\n" for row in range(100))
    source = tmp_path / "mine.csv"
    source.write_text(f"text,label\n{rows}")
    declared, told = declare(str(source), ONE, "", "en"), list[str]()
    own = prepare(declared, [], {}, tmp_path / "results", told.append)
    assert told == ["reading, 100 rows so far", "splitting 100 rows and counting tokens"]
    write_task(tmp_path / "results", own.task)
    known = known_tasks(tmp_path / "results")
    assert known == TASKS | {"mine": own.task}
    assert known["mine"].own_splits == own.task.own_splits
    write_task(tmp_path / "results", replace(own.task, own_splits=""))  # as earlier versions left it
    assert prepare(declared, [], {}, tmp_path / "results", told.append).task == own.task
    source.write_text(f"text,label\n{rows}one more,c\n")
    with pytest.raises(UserError, match="holds runs of other rows or labels; give these data another --name"):
        prepare(declared, [], {}, tmp_path / "results", told.append)
    with pytest.raises(UserError, match="holds the project's own runs"):
        prepare(declared, [], {}, RESULTS, told.append)
    (tmp_path / "results" / "mine" / "task.json").write_text("{")
    with pytest.raises(UserError, match="is not a readable task; delete it, then run"):
        known_tasks(tmp_path / "results")


@pytest.mark.campaign
def test_the_report_on_a_million_short_rows_takes_under_a_minute_and_2_gib(
    tmp_path: Path,
) -> None:
    """The command in a real process. A small one starts it and measures: of a process that a large one starts, the
    system counts the large one's peak, too."""
    source, rng = tmp_path / "million.csv", np.random.default_rng(0)
    with source.open("w", encoding="utf-8") as file:
        file.write("id,text,labels\n")
        for start in range(0, 1_000_000, 10_000):
            words = rng.choice(["parcel", "late", "refund", "price", "good", "bad", "service", "包裹"], (10_000, 8))
            labels = rng.integers(0, 20, (10_000, 2))
            for row, (of_row, (a, b)) in enumerate(zip(words.tolist(), labels.tolist(), strict=True), start):
                file.write(f"{row},{' '.join(of_row)} {row},l{a}|l{b}\n")
    command = [sys.executable, "-m", "encoder_zoo", "run-data", str(source), "--label-list", "labels"]
    command += ["--encoders", "minilm-l6", "--results", str(tmp_path / "results"), "--dry-run"]
    measured = (
        "import resource, subprocess, sys; ended = subprocess.run(sys.argv[1:]); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr); sys.exit(ended.returncode)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", measured, *command], cwd=ROOT, env=os.environ, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert "1,000,000 rows" in ended.stdout
    seconds, kib = map(float, ended.stderr.splitlines()[-1].split())
    sys.stderr.write(f"{seconds:.0f} s of a processor, {kib / 2**20:.2f} GiB\n")
    assert kib < 2 * 2**20
    assert seconds < 60  # which other work on the machine does not change, as it does the time by the clock


GROUPED = Columns("text", ("label",), "one", group="thread")


def test_rows_of_one_group_never_stand_in_two_parts_nor_do_groups_that_share_a_text() -> None:
    """60 threads of three texts; threads 0 and 1 have a text in common, and so have 1 and 2: they go together."""
    texts = [f"text {row}" for row in range(180)]
    texts[3], texts[6] = texts[0].upper(), texts[4]
    data = replace(_data(texts, _single(180)), group=np.arange(180) // 3)
    own = _make(data, GROUPED)
    parts = (own.rows.train, own.rows.validation, own.rows.test)
    threads = [set(part.groups.tolist()) for part in parts if part.groups is not None]
    assert set.union(*threads) == set(range(60))
    assert sum(map(len, threads)) == 60
    assert any({0, 1, 2} <= each for each in threads)
    assert "rows with the same 'thread' (60 groups) always in one part" in own.task.own_splits
    assert own.rows.fingerprint != _make(replace(data, group=None)).rows.fingerprint


def test_splits_of_the_users_own_may_not_divide_a_group() -> None:
    part = np.repeat([0, 1, 2], [60, 20, 20]).astype(np.int8)
    data = replace(_data([f"text {row}" for row in range(100)], _single(100), part), group=np.arange(100) // 20)
    assert _make(data, GROUPED).rows.test.groups is not None
    with pytest.raises(UserError, match="1 groups of the column 'thread' have rows in two parts of your splits"):
        _make(replace(data, group=np.append(data.group[:-1], 0)), GROUPED)  # type: ignore[index]
    whole = _data([f"text {row}" for row in range(100)], _single(100))
    with pytest.raises(UserError, match="part has no rows; rows stay together by 'thread' with 2 values; use a finer"):
        _make(replace(whole, group=np.arange(100) // 50), GROUPED)


def test_groups_are_read_kept_beside_the_runs_and_drawn_as_wholes(tmp_path: Path) -> None:
    """From a file to the board: threads that are right or wrong as a whole make the interval wider."""
    rows = [(f"{'good' if row % 2 else 'bad'} text {row}", row % 2, f"thread {row // 10}") for row in range(400)]
    file = tmp_path / "mails.csv"
    pd.DataFrame(rows, columns=["text", "label", "thread"]).to_csv(file, index=False)
    columns = choose_columns("text", "label", "", (), None, "thread")
    own = prepare(declare(str(file), columns, "", "en"), [], {}, tmp_path, lambda step: None)
    assert own.rows.test.groups is not None
    cells = plan({own.task: own.rows}, [get_encoder("tfidf-lr")], [0], tmp_path)
    assert run_grid(cells, lambda now: None) == {}
    facts = find_row_facts(tmp_path, "mails")[own.rows.fingerprint]
    np.testing.assert_array_equal(groups_of(facts), own.rows.test.groups)
    split = read_rows(own.task, write_splits(own.task, own.rows, tmp_path / "data").parent)
    assert split.fingerprint == own.rows.fingerprint

    run = read_run(cells[0].folder)
    wrong = own.rows.test.groups % 4 == own.rows.test.groups[0] % 4  # whole threads
    logits = np.where(wrong[:, None], -1, 1) * (2.0 * own.rows.test.y_true - 1)
    found = {}
    for each in (facts, facts.drop(columns="group")):
        found_run = replace(run, predictions=replace(run.predictions, test_logits=logits.astype(np.float32)))
        entries = make_entries([found_run], {own.task.name: own.task})
        board = build_entries(entries, {"mails": {own.rows.fingerprint: each}}, {}, pd.DataFrame())
        main = board.cells[(board.cells["metric"] == "accuracy") & (board.cells["rule"] == "argmax")].iloc[0]
        found["group" in each] = main["sd_rows"]
    assert found[True] > 1.5 * found[False] > 0


def test_a_row_without_a_group_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mails.csv"
    file.write_text("text,label,user\na,1,u\nb,0,\n")
    with pytest.raises(UserError, match="row 2 has nothing in the group column 'user'"):
        read_own(str(file), choose_columns("text", "label", "", (), None, "user"))
    with pytest.raises(UserError, match="--group-column 'text' holds the texts or a label"):
        choose_columns("text", "label", "", (), None, "text")

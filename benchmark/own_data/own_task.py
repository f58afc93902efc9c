"""From a user's own data to a task: read, split and described. A spec beside its runs keeps the task."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa

from benchmark.own_data.columns import Columns
from benchmark.own_data.data_report import DataReport, Lengths, describe, lengths, sample_texts
from benchmark.own_data.reading import OwnData, read_own, text_hashes
from benchmark.own_data.sources import HUB, PARTS
from benchmark.tasks.registry import SPEC, TASKS, Language, Task, known_tasks
from benchmark.tasks.row_facts import find_row_facts, normalized
from benchmark.tasks.rows import Rows, Split, fingerprint
from benchmark.tasks.splits import joined, stratify
from benchmark.training.recipes import Recipe, default_recipe
from benchmark.training.runs import CURVES, RESULTS
from zoo.encoders.encoder import Encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError, lookup
from zoo.long_text import capacity
from zoo.row_files.format import ALL_FOUND, Format

SHARES = (0.8, 0.1, 0.1)
SEED = 0
_NAME = re.compile(r"\w[\w-]*")
_TAKEN = {*TASKS, "board", CURVES}


@dataclass(frozen=True)
class OwnTask:
    """A task of a user's own with its rows as they are used, and what they are like."""

    task: Task
    rows: Rows
    report: DataReport


@dataclass(frozen=True)
class Declared:
    """What the user says of the data: where they are, which columns hold what, and the name and language of the task
    that is made of them."""

    source: str
    columns: Columns
    name: str
    language: Language
    format: Format = ALL_FOUND


def declare(source: str, columns: Columns, name: str, language: str, given: Format = ALL_FOUND) -> Declared:
    """Return what the user says of the data. Without a name, the task is named after its source.

    Raises:
        UserError: the name cannot be a folder's or is that of one of the project's tasks, or the language is unknown.
    """
    spoken = lookup({each: each for each in get_args(Language)}, language, "language")
    at_hub = source.startswith(HUB)
    called = Path(source.removeprefix(HUB)).name if at_hub else Path(source).stem
    made = name or re.sub(r"[^\w-]+", "-", called).strip("-_")
    if not _NAME.fullmatch(made):
        raise UserError(f"'{made}' cannot name a task; use letters, digits, - and _ in --name")
    if made in _TAKEN:
        raise UserError(f"'{made}' is taken by the project itself; give your data another name with --name")
    return Declared(source, columns, made, spoken, given)


def prepare(
    declared: Declared,
    encoders: Sequence[Encoder],
    changes: Mapping[str, Any],
    results: Path,
    report: Callable[[str], None],
) -> OwnTask:
    """Read the user's data, split them where they are not, and describe them.

    Args:
        declared: what the user says of the data.
        encoders: those whose tokens are counted.
        changes: to the default recipe.
        results: the folder of the runs to come.
        report: called with what is being done, in a few words.

    Raises:
        UserError: the data cannot be used (see `read_own` and `make_task`), or `results` has other runs of that name.
    """
    if results.resolve() == RESULTS.resolve():
        raise UserError(f"{results} holds the project's own runs; give another folder with --results")
    data = read_own(
        declared.source, declared.columns, lambda rows: report(f"reading, {rows:,} rows so far"), declared.format
    )
    report(f"splitting {len(data.texts):,} rows and counting tokens")
    own = make_task(data, declared, encoders, changes)
    _check_results(results, own)
    return own


def make_task(data: OwnData, declared: Declared, encoders: Sequence[Encoder], changes: Mapping[str, Any]) -> OwnTask:
    """Split the data where they are not, and make a task of them.

    Args:
        data: the rows.
        declared: what the user says of them.
        encoders: those whose tokens are counted.
        changes: to the default recipe, which says how many tokens are read.

    Raises:
        UserError: there are too few rows to train on, to tune on and to report, or a change is none of a recipe.
    """
    groups = text_groups(data.texts)
    together = groups if data.group is None else joined(groups, data.group)
    part = split(data, together)
    _check_groups(data, part, declared.columns.group)
    problem_type = declared.columns.problem_type
    main_metric = "accuracy" if problem_type == "single_label_classification" else "f1_macro"
    how = _how(data, declared.columns.group)
    task = Task(
        declared.name, problem_type, declared.language, data.labels, main_metric, split_seed=SEED, own_splits=how
    )
    train, validation, test = (_take(data, part == number) for number in range(len(PARTS)))
    by = declared.columns.group
    together_by = "" if data.group is None else f"'{by}' with {len(np.unique(data.group)):,} values"
    _check_parts(data.source, task, [train, validation, test], together_by)
    rows = Rows(train, validation, test, fingerprint(train, validation, test))
    tokens = token_lengths(data, encoders, task, changes)
    return OwnTask(task, rows, describe(data, part, groups, rows.fingerprint, how, tokens))


def text_groups(texts: pa.ChunkedArray) -> np.ndarray:
    """Return the number of every text, shape (n,), the same for texts that `normalized` makes the same."""
    return np.unique(text_hashes(texts, normalized), return_inverse=True)[1]


def _check_groups(data: OwnData, part: np.ndarray, column: str) -> None:
    """Raise UserError where the user's own splits divide a group."""
    if data.group is None:
        return
    pairs = np.unique(np.column_stack([data.group, part]), axis=0)
    if divided := len(pairs) - len(np.unique(data.group)):
        raise UserError(
            f"{data.source}: {divided:,} groups of the column '{column}' have rows in two parts of your splits; give "
            "one file without splits, or leave --group-column out"
        )


def split(data: OwnData, groups: np.ndarray) -> np.ndarray:
    """Return the position in PARTS of every row: as given, or stratified, the same text always in one part.

    One set of rows is split into SHARES; train without validation gives as large a part of it away.
    """
    if len(data.parts) == len(PARTS):
        return data.part
    train = data.part == PARTS.index("train")
    shares = SHARES if len(data.parts) == 1 else (1 - SHARES[1], SHARES[1])
    part = data.part.copy()
    part[train] = stratify(data.y_true[train], np.unique(groups[train], return_inverse=True)[1], shares, SEED)
    return part


def _how(data: OwnData, column: str) -> str:
    given, kept = data.parts, ""
    if data.group is not None:
        kept = f", rows with the same '{column}' ({len(np.unique(data.group)):,} groups) always in one part"
    if len(given) == len(PARTS):
        return f"as given{kept}"
    how = f"iteratively stratified with seed {SEED}, the same text always in one part{kept}"
    if len(given) == 1:
        return f"{how}: {' / '.join(f'{share:.0%}' for share in SHARES)}"
    return f"test as given; validation is {SHARES[1]:.0%} of train, {how}"


def _take(data: OwnData, chosen: np.ndarray) -> Split:
    groups = None if data.group is None else data.group[chosen]
    return Split(data.texts.filter(pa.array(chosen)).to_pylist(), data.y_true[chosen].toarray(), groups)


def _check_parts(source: str, task: Task, splits: list[Split], together_by: str) -> None:
    needed = 1 if task.multi_label else 2
    more = f"rows stay together by {together_by}; use a finer column, or" if together_by else "give more rows, or"
    for name, part in zip(PARTS, splits, strict=True):
        if part.y_true.any(axis=0).sum() < needed:
            labels = "no label" if task.multi_label else "one label only"
            what = f"{len(part):,} rows with {labels}" if len(part) else "no rows"
            raise UserError(f"{source}: its {name} part has {what}; {more} splits of your own")


def token_lengths(data: OwnData, encoders: Sequence[Encoder], task: Task, changes: Mapping[str, Any]) -> list[Lengths]:
    """Count the tokens of a sample of the texts for each encoder, against the number that its recipe reads.

    The baseline has none; an encoder that cannot be had is left out, and its runs will say why.
    """
    from zoo.tokenizer import load_tokenizer

    texts, found = sample_texts(data.texts), []
    for encoder in encoders:
        recipe = default_recipe(encoder, task, 0, **changes)
        if not isinstance(recipe, Recipe):
            continue
        with suppress(UserError):
            tokenizer = load_tokenizer(fetch_weights(encoder).folder)
            counts = np.array([len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]])
            found.append(
                lengths(f"tokens of {encoder.name}", counts, capacity(tokenizer, recipe.max_length, recipe.long_text))
            )
    return found


def _check_results(results: Path, own: OwnTask) -> None:
    """Raise UserError where the folder's runs of that name are of other data."""
    if not (results / own.task.name / SPEC).is_file():
        return
    facts = find_row_facts(results, own.task.name)
    same_rows = not facts or own.rows.fingerprint in facts
    if known_tasks(results)[own.task.name] != own.task or not same_rows:
        raise UserError(
            f"{results / own.task.name} holds runs of other rows or labels; give these data another --name or "
            "--results, or delete that folder"
        )

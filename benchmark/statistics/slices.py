"""How an encoder does on parts of a task's test rows: long texts, texts that also stand in train, rare labels.

Slices by text need the texts, and the board is built without them. So what slices need to know of a text is written
down once, where the rows are at hand, as facts that hold no text; the rest comes from the logits and the gold labels
in the runs.
"""

import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.statistics.intervals import cautions, interval
from benchmark.statistics.metrics import bounds
from benchmark.statistics.resampling import Draws, Scored, points, resample
from benchmark.statistics.seeds import Seeds
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from zoo.errors import UserError
from zoo.files import write_bytes

COLUMNS = ["slice", "part", "metric", "n", "value", "low", "high", "seeds", "flags"]
FACTS = {"words": np.int64, "duplicate": np.bool_, "negation": np.bool_, "emoji": np.bool_}
ROW_FACTS = "rows.npz"  # their file in the folder of a task
MIN_ROWS = 30
# Tasks with fewer labels show each of them on its own; thirds of them would say less.
MANY_LABELS = 10

# What a byte changed somewhere in a zip archive, or a file of another kind, ends in.
_DAMAGE = (OSError, EOFError, LookupError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)

# Drawn from the lists of VADER (Hutto and Gilbert 2014) and of Potts' sentiment tutorial (2011), with the adverbs that
# almost negate, without "wont" and "cant", which are words of their own. A word's end n't is looked for besides.
NEGATIONS = """
    not no never none nobody noone nothing neither nor nowhere cannot without hardly barely scarcely rarely seldom nope
    aint arent couldnt didnt doesnt dont hadnt hasnt havent isnt shouldnt wasnt werent wouldnt
""".split()
# Neither letter nor digit; unlike \b, an underscore ends a word, as in _not_.
_NEGATION = re.compile(rf"(?<![^\W_])(?:{'|'.join(NEGATIONS)})(?![^\W_])|n['’]t(?![^\W_])")
# Flags, the blocks of pictographs, Miscellaneous Symbols and Dingbats (♥ ☺ ✓), emoji clocks and buttons, stars and
# circles, and the selector that asks for the emoji form of a plain character (©️). Not: arrows, ©, ™, box drawings.
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f900-\U0001faff"
    "\u2600-\u27bf\u231a\u231b\u23e9-\u23fa\u2b50\u2b55\ufe0f]"
)
# Upright faces :) :( :-) :'( may end a word; all others stand apart: ;) =) :D :P :O :/ :| :3 xD, and the heart <3.
# So http://, 10:30, x<3, <30, "two:(see below" and &quot;) are none; neither are faces of other kinds, such as ^_^.
_EMOTICON = re.compile(
    r":['-]?[)(]++(?!\w)|(?<!\w)(?:;-?[)(]++|[:;]-?(?:D+|[PpOo/\\|3\]\[])|=[)(DP]|[xX]D+|<3)(?![\w/%])",
)


@dataclass(frozen=True)
class Part:
    """A part of a task's test that is judged by itself: some rows, some labels, one metric.

    `rows` and `labels` are numbers of rows and of labels. `slice` is the grouping that the part belongs to.
    """

    slice: str
    part: str
    metric: str
    rows: np.ndarray
    labels: np.ndarray


def describe_rows(task: Task, rows: Rows) -> pd.DataFrame:
    """Return the facts of the test rows: one row each, in order, without any text.

    Columns: `words`, how many (in Chinese, characters that are no whitespace); `duplicate`, whether a row that is
    trained on has the same text but for case, whitespace and compatibility forms (NFKC); `negation`, a word of
    `NEGATIONS` or one that ends in n't; `emoji`, an emoji, a pictograph or one of the common emoticons. The last two
    are of English texts alone and False in others.
    """
    texts, english = rows.test.texts, task.language == "en"
    known = {normalized(text) for text in rows.train.texts}
    return pd.DataFrame(
        {
            "words": [len(text.split() if english else "".join(text.split())) for text in texts],
            "duplicate": [normalized(text) in known for text in texts],
            "negation": [english and has_negation(text) for text in texts],
            "emoji": [english and has_emoji(text) for text in texts],
        }
    ).astype(FACTS)


def normalized(text: str) -> str:
    """Return the text without what does not make it another one: NFKC, case folded, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def has_negation(text: str) -> bool:
    """Say whether an English text has a word that negates: one of `NEGATIONS`, or one that ends in n't."""
    return bool(_NEGATION.search(text.casefold()))


def has_emoji(text: str) -> bool:
    """Say whether a text has an emoji, a pictograph or a common emoticon."""
    return bool(_EMOJI.search(text) or _EMOTICON.search(text))


def write_row_facts(path: Path, frame: pd.DataFrame, fingerprint: str) -> None:
    """Write the facts of the rows with this fingerprint (`Rows.fingerprint`), whole or not at all; as .npz."""
    content = io.BytesIO()
    columns = {name: frame[name].to_numpy(kind) for name, kind in FACTS.items()}
    np.savez_compressed(content, fingerprint=np.array(fingerprint), **columns)  # type: ignore[arg-type]
    write_bytes(path, content.getvalue())


def read_row_facts(path: Path) -> tuple[pd.DataFrame, str]:
    """Return facts as written and the fingerprint of the rows that they are of.

    Raises:
        UserError: the file is missing, damaged, or not one of facts.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            fingerprint = arrays["fingerprint"]
            frame = pd.DataFrame({name: arrays[name] for name in FACTS})
        if frame.dtypes.to_dict() != FACTS or fingerprint.dtype.kind != "U" or fingerprint.ndim:
            raise ValueError("its columns are of other types")
    except _DAMAGE as error:
        raise UserError(
            f"{path} is not a readable file of row facts; `python -m benchmark run` of its task writes it again"
        ) from error
    return frame, str(fingerprint)


def slices(seeds: Seeds, facts: pd.DataFrame | None, draws_of: Callable[[int], Draws]) -> pd.DataFrame:
    """Return how an entry does on each part of its task's test that has at least `MIN_ROWS` rows: one row a part.

    Columns: `slice` and `part`, `metric`, `n` test rows, `value` (mean over seeds), `low` and `high` (its 95 %
    interval), `seeds`, `flags` (why the interval may be too narrow). All rows come first, as the standard to compare
    with. The decisions are the entry's own, by its task's rule. `parts` says which slices there are and by what metric
    they are judged.

    Args:
        seeds: the predictions of one seeds.
        facts: of the task's test rows in order; without them there are only slices by gold labels and by frequency.
        draws_of: returns resamples of as many rows; may return the same object each time.

    Raises:
        UserError: the facts are of another number of rows.
    """
    if facts is not None and len(facts) != len(seeds.y_true):
        raise UserError(
            f"The row facts of '{seeds.task.name}' are of {len(facts):,} rows and its runs of {len(seeds.y_true):,}; "
            "write the facts again from the rows that the runs are of"
        )
    runs = list(seeds.scored(seeds.task.rule).values())
    shown = [
        part for part in parts(seeds.task, seeds.y_true, seeds.validation_y_true, facts) if len(part.rows) >= MIN_ROWS
    ]
    return pd.DataFrame([_judge(part, runs, draws_of(len(part.rows))) for part in shown], columns=COLUMNS)


def _judge(part: Part, runs: list[Scored], draws: Draws) -> dict[str, object]:
    taken = [_take(run, part) for run in runs]
    # Not the generator of the draws: what it gives next depends on which slices, of which encoders, came before.
    rng = np.random.default_rng(1)
    resampled = resample(taken, [part.metric], draws)[part.metric]
    found = interval(points(taken, part.metric), resampled, rng, bounds(part.metric))
    return {
        "slice": part.slice,
        "part": part.part,
        "metric": part.metric,
        "n": len(part.rows),
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "seeds": found.seeds,
        "flags": cautions(found, taken[0].y_true, part.metric),
    }


def _take(run: Scored, part: Part) -> Scored:
    of_rows = run.take(part.rows)
    arrays = (array[:, part.labels] for array in (of_rows.y_true, of_rows.y_score, of_rows.y_pred))
    return Scored(run.problem_type, *arrays)


def parts(task: Task, y_true: np.ndarray, validation_y_true: np.ndarray, facts: pd.DataFrame | None) -> list[Part]:
    """Return all parts of a task's test, of any size but none empty.

    Those by rows hold every row once in each grouping and are judged by the task's main metric. A macro-F1 on some
    rows leaves out labels whose gold rows are all elsewhere: they could only count 0. Rows without gold labels have
    no F1 at all, so they are judged by subset accuracy: the share that gets no label. "label frequency" groups the
    labels instead: macro-F1 of a third of them, on all rows.

    Args:
        task: with its main metric and language.
        y_true: gold labels of the test rows, shape (n, num_labels).
        validation_y_true: those of the validation rows, shape (m, num_labels).
        facts: of the test rows, n of them.
    """
    groupings = {"all": {"all": np.arange(len(y_true))}}
    if facts is not None:
        groupings |= _by_text(task, facts)
    if task.multi_label:
        groupings["gold labels"] = _by_number(y_true.sum(axis=1))
    found = [
        _part_of_rows(task, slice_, part, rows, y_true)
        for slice_, grouping in groupings.items()
        for part, rows in grouping.items()
        if len(rows)
    ]
    if task.multi_label and len(task.labels) > MANY_LABELS:
        found += _by_frequency(validation_y_true.sum(axis=0), np.arange(len(y_true)))
    return found


def _part_of_rows(task: Task, slice_: str, part: str, rows: np.ndarray, y_true: np.ndarray) -> Part:
    gold = y_true[rows].any(axis=0)
    labels = np.arange(y_true.shape[1])
    if not gold.any():
        return Part(slice_, part, "subset_accuracy", rows, labels)
    if task.main_metric == "f1_macro":
        # A label that is gold nowhere counts 0 in the standard score too.
        labels = np.flatnonzero(gold | ~y_true.any(axis=0))
    return Part(slice_, part, task.main_metric, rows, labels)


def _by_text(task: Task, facts: pd.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    english = task.language == "en"
    found = {
        "length": by_length(facts["words"].to_numpy(), "word" if english else "character"),
        "training duplicates": _by_flag(facts["duplicate"], "duplicate", "clean"),
    }
    if english:
        found |= {name: _by_flag(facts[name], "with", "without") for name in ("negation", "emoji")}
    return found


def by_length(words: np.ndarray, unit: str) -> dict[str, np.ndarray]:
    """Return the rows of every quarter of the lengths, by its name, such as "1-8 words".

    Equal lengths stay together, so that quarters can be of unlike size, or fewer than four; none is empty.

    Args:
        words: the length of every row, shape (n,).
        unit: what is counted, in the singular.
    """
    # Edges that are lengths themselves: each is the longest of its part.
    edges = np.unique(np.quantile(words, (0.25, 0.5, 0.75), method="inverted_cdf"))
    at = np.searchsorted(edges[edges < words.max()], words)
    return {_span(words[at == number], unit): np.flatnonzero(at == number) for number in range(at.max() + 1)}


def _span(words: np.ndarray, unit: str) -> str:
    low, high = int(words.min()), int(words.max())
    return f"{low}-{high} {unit}s" if low < high else f"{low} {unit}{'s' * (low != 1)}"


def _by_flag(flags: pd.Series, yes: str, no: str) -> dict[str, np.ndarray]:
    flagged = flags.to_numpy(bool)
    return {no: np.flatnonzero(~flagged), yes: np.flatnonzero(flagged)}


def _by_number(numbers: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.flatnonzero(np.minimum(numbers, 3) == i) for i, name in enumerate(("0", "1", "2", "3 or more"))}


def _by_frequency(positives: np.ndarray, rows: np.ndarray) -> Iterable[Part]:
    """Yield the thirds of the labels by their number of validation positives; of equals, the first label is rarer."""
    thirds = np.array_split(np.argsort(positives, kind="stable"), 3)
    for name, labels in zip(("rare", "middle", "frequent"), thirds, strict=True):
        yield Part("label frequency", f"{name} ({len(labels)} labels)", "f1_macro", rows, np.sort(labels))

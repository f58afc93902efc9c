"""Facts about a task's test rows, without their texts, for the slices of a leaderboard.

A leaderboard is built without the texts, so a grid writes these facts beside its runs. Runs on different rows of one
task have a file of facts each, named after the fingerprint of the rows.
"""

import io
import re
import unicodedata
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from zoo.errors import UserError
from zoo.files import write_bytes

FACTS = {"words": np.int64, "duplicate": np.bool_, "negation": np.bool_, "emoji": np.bool_}
GROUP = "group"  # a column of facts only where the rows have groups: its number
ROW_FACTS = "rows*.npz"  # the pattern of their files in the folder of a task; earlier versions wrote one, rows.npz

# The errors that a changed byte in a zip archive, or a file of another kind, can cause.
DAMAGE = (OSError, EOFError, LookupError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)

# From the lists of VADER (Hutto and Gilbert 2014) and of Potts' sentiment tutorial (2011), with the adverbs that almost
# negate. "wont" and "cant" are left out, since they are other words. Words that end in n't are found by the pattern.
NEGATIONS = """
    not no never none nobody noone nothing neither nor nowhere cannot without hardly barely scarcely rarely seldom nope
    aint arent couldnt didnt doesnt dont hadnt hasnt havent isnt shouldnt wasnt werent wouldnt
""".split()
# A word ends at whatever is neither letter nor digit. An underscore, too, ends it, as in _not_, but not with \b.
_NEGATION = re.compile(rf"(?<![^\W_])(?:{'|'.join(NEGATIONS)})(?![^\W_])|n['’]t(?![^\W_])")
# Flags, the blocks of pictographs, Miscellaneous Symbols and Dingbats (♥ ☺ ✓), emoji clocks and buttons, stars and
# circles, and the selector that asks for the emoji form of a plain character (©️). Not: arrows, ©, ™, box drawings.
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f900-\U0001faff"
    "\u2600-\u27bf\u231a\u231b\u23e9-\u23fa\u2b50\u2b55\ufe0f]"
)
# The faces :) :( :-) :'( may follow a word directly. All others may not: ;) =) :D :P :O :/ :| :3 xD, and the heart <3.
# So http://, 10:30, x<3, <30, "two:(see below" and &quot;) do not match. Other faces, such as ^_^, do not either.
_EMOTICON = re.compile(
    r":['-]?[)(]++(?!\w)|(?<!\w)(?:;-?[)(]++|[:;]-?(?:D+|[PpOo/\\|3\]\[])|=[)(DP]|[xX]D+|<3)(?![\w/%])",
)


def describe_rows(task: Task, rows: Rows) -> pd.DataFrame:
    """Return the facts of the test rows, one row each, in order.

    Columns: `words`, their number (outside English, the characters without whitespace); `duplicate`, whether a train
    row has the same `normalized` text; `negation`, whether it has a word of `NEGATIONS` or one that ends in n't;
    `emoji`, whether it has an emoji, a pictograph or a common emoticon. The last two are False outside English. `group`
    is there where the rows have groups.
    """
    texts, english = rows.test.texts, task.language == "en"
    known = {normalized(text) for text in rows.train.texts}
    frame = pd.DataFrame(
        {
            "words": [len(text.split() if english else "".join(text.split())) for text in texts],
            "duplicate": [normalized(text) in known for text in texts],
            "negation": [english and has_negation(text) for text in texts],
            "emoji": [english and has_emoji(text) for text in texts],
        }
    ).astype(FACTS)
    return frame if rows.test.groups is None else frame.assign(**{GROUP: rows.test.groups.astype(np.int64)})


def groups_of(facts: pd.DataFrame | None) -> np.ndarray | None:
    """Return the group of every test row, shape (n,); None where rows stand alone."""
    return None if facts is None or GROUP not in facts else facts[GROUP].to_numpy()


def normalized(text: str) -> str:
    """Return the text without differences in case, whitespace and compatibility forms: NFKC, case folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def has_negation(text: str) -> bool:
    """Return whether an English text has a word that negates: one of `NEGATIONS`, or one that ends in n't."""
    return bool(_NEGATION.search(text.casefold()))


def has_emoji(text: str) -> bool:
    """Return whether a text has an emoji, a pictograph or a common emoticon."""
    return bool(_EMOJI.search(text) or _EMOTICON.search(text))


def keep_row_facts(results: Path, task: Task, rows: Rows) -> None:
    """Write the facts of these rows beside the runs of the task, unless they are there already.

    The facts of other rows of the task stay.
    """
    if rows.fingerprint in _readable(results, task.name):
        return
    path = results / task.name / f"rows-{rows.fingerprint}.npz"
    write_row_facts(path, describe_rows(task, rows), rows.fingerprint)


def _readable(results: Path, task_name: str) -> set[str]:
    found = set()
    for path in (results / task_name).glob(ROW_FACTS):
        with suppress(UserError):
            found.add(read_row_facts(path)[1])
    return found


def find_row_facts(results: Path, task_name: str) -> dict[str, pd.DataFrame]:
    """Return the facts of a task's rows by the fingerprint of the rows (`Rows.fingerprint`); {} if there are none.

    Raises:
        UserError: a file of facts is damaged.
    """
    read = (read_row_facts(path) for path in sorted((results / task_name).glob(ROW_FACTS)))
    return {fingerprint: frame for frame, fingerprint in read}


def write_row_facts(path: Path, frame: pd.DataFrame, fingerprint: str) -> None:
    """Write the facts of the rows with this fingerprint (`Rows.fingerprint`) as .npz, completely or not at all."""
    content = io.BytesIO()
    columns = {name: frame[name].to_numpy(kind) for name, kind in FACTS.items()}
    columns |= {GROUP: frame[GROUP].to_numpy(np.int64)} if GROUP in frame else {}
    np.savez_compressed(content, fingerprint=np.array(fingerprint), **columns)  # type: ignore[arg-type]
    write_bytes(path, content.getvalue())


def read_row_facts(path: Path) -> tuple[pd.DataFrame, str]:
    """Return the facts in a file, and the fingerprint of their rows.

    Raises:
        UserError: the file is missing, damaged, or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            fingerprint = arrays["fingerprint"]
            kinds = FACTS | ({GROUP: np.int64} if GROUP in arrays else {})
            frame = pd.DataFrame({name: arrays[name] for name in kinds})
        if frame.dtypes.to_dict() != kinds or fingerprint.dtype.kind != "U" or fingerprint.ndim:
            raise ValueError("its columns are of other types")
    except DAMAGE as error:
        raise UserError(
            f"{path} is not a readable file of row facts; delete it, and `encoder-zoo run` of its task writes it again"
        ) from error
    return frame, str(fingerprint)

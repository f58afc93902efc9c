"""Which words support a label: the handlers of the last part of the Compare tab, free of widgets."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.compare.handlers import check_text
from demo.shared.gpu import on_gpu
from demo.shared.models import catalogue, computing, load, read
from demo.shared.texts import Language, PageError, say
from zoo.errors import UserError, lookup

if TYPE_CHECKING:
    from zoo.attribution import Attribution, Span

SHOWN = 0.1  # share of the strongest word's score; a word below it is shown as plain text
LISTED = 5  # words for a label, and as many against it


def explain(text: str, task: str, name: str, label: str, root: Path | None = None) -> "Attribution":
    """Return the score of each word of `text` for `label`.

    Raises:
        UserError: the text is empty or too long, the task, the checkpoint or the label unknown, or the checkpoint
            damaged.
    """
    check_text(text)
    folder = _folder(task, name, root)
    indices = {each: index for index, each in enumerate(read(folder).info.labels)}
    found = _attribute(folder, text, lookup(indices, label, "label"))
    if isinstance(found, UserError):
        raise found
    return found


@on_gpu
def _attribute(folder: Path, text: str, index: int) -> "Attribution | UserError":
    """The attribution for the label at `index`, or the reason for none."""
    from zoo.attribution import attribute

    try:
        with computing:
            return attribute(load(folder), text, index)
    except UserError as error:
        return error


def _folder(task: str, name: str, root: Path | None) -> Path:
    if not name:
        raise PageError("no_checkpoint_chosen")
    return lookup(lookup(catalogue(root), task, "task"), name, "checkpoint")


def as_view(text: str, name: str, found: "Attribution", language: Language) -> dict[str, Any]:
    """Return an attribution as script.js draws it: its facts, the text in pieces, the strongest words."""
    return {
        "text": text,
        "title": say("attribution_title", language, name=name, label=found.label),
        "facts": say("attribution_facts", language, name=name, **_figures(found)),
        "notes": _notes(found, language),
        "pieces": _pieces(text, found.words, cut=found.unread > 0),
        "lists": [
            {"title": say(key, language), "words": _strongest(text, found.words, sign)}
            for key, sign in (("attribution_for", 1), ("attribution_against", -1))
        ],
    }


def _figures(found: "Attribution") -> dict[str, object]:
    return {
        "label": found.label,
        "score": f"{found.score:.3f}",
        "baseline": f"{found.baseline_score:.3f}",
        "sum": _signed(found.gain + found.delta),
        "delta": f"{abs(found.delta):.3f}",
        "steps": found.steps,
        "drop": _signed(-found.comprehensiveness, 3),
        "random": _signed(-found.random_comprehensiveness, 3),
        "seconds": f"{found.seconds:.1f}",
    }


def _notes(found: "Attribution", language: Language) -> list[str]:
    notes = []
    if found.comprehensiveness <= max(found.random_comprehensiveness, 0):
        notes.append(say("attribution_weak", language))
    if found.unread:
        notes.append(say("attribution_cut", language, unread=found.unread))
    return notes


def _pieces(text: str, words: "tuple[Span, ...]", cut: bool) -> list[dict[str, Any]]:
    """Return the whole text in pieces, in order; the words that matter have a strength from -1 to 1."""
    pieces: list[dict[str, Any]] = []
    at = 0
    for word, strength in zip(words, _strengths(words), strict=True):
        start, end = max(at, word.start), max(at, word.end)
        shown = {"strength": strength, "title": _signed(word.score)} if abs(strength) >= SHOWN else {}
        pieces += [{"text": text[at:start]}, {"text": text[start:end], **shown}]
        at = end
    pieces.append({"text": text[at:], "unread": True} if cut else {"text": text[at:]})
    return [piece for piece in pieces if piece["text"]]


def _strongest(text: str, words: "tuple[Span, ...]", sign: int) -> list[str]:
    """Return the words with the highest scores for the label (sign 1) or against it (-1), strongest first."""
    named = [
        (sign * word.score, f"{text[word.start : word.end]} {_signed(word.score)}")
        for word, strength in zip(words, _strengths(words), strict=True)
        if sign * strength >= SHOWN and text[word.start : word.end].strip()
    ]
    return [name for _, name in sorted(named, key=lambda pair: -pair[0])[:LISTED]]


def _strengths(words: "tuple[Span, ...]") -> list[float]:
    strongest = max((abs(word.score) for word in words), default=0.0) or 1.0
    return [word.score / strongest for word in words]


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")

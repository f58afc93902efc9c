"""What the app says, in English and Chinese: the texts of `messages/en.json` and `messages/zh.json`, by key.

A handler says a text in the language that its view hands it (`say`). What `zoo` and `benchmark` say about an unknown
encoder or a damaged file stays in English, as on the command line. Gradio's part is `demo.shared.page_texts`.
"""

import json
from pathlib import Path
from typing import Literal

from zoo.errors import UserError

Language = Literal["en", "zh"]
_FOLDER = Path(__file__).parent / "messages"
TEXTS: dict[Language, dict[str, str]] = {
    "en": json.loads((_FOLDER / "en.json").read_text(encoding="utf-8")),
    "zh": json.loads((_FOLDER / "zh.json").read_text(encoding="utf-8")),
}


def say(key: str, language: Language, **values: object) -> str:
    """Return the text `key` in a language, with `values` in its places.

    Raises:
        KeyError: there is no such text, or a value is missing.
    """
    return TEXTS[language][key].format(**values)


def label_name(task: str, label: str, language: Language) -> str:
    """Return a label's name for a page in a language: Chinese for the Chinese task of the project, which has English
    labels; else the label itself."""
    return TEXTS["zh"].get(f"label_{label}", label) if (task, language) == ("feedback_zh", "zh") else label


class PageError(UserError):
    """A visitor's mistake, with what `say` needs to tell it in their language."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(say(key, "en", **values))
        self.key, self.values = key, values


def in_language(error: UserError, language: Language) -> str:
    """Return an error's message, in `language` where the catalogue has a text for it."""
    return say(error.key, language, **error.values) if isinstance(error, PageError) else str(error)

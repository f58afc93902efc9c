"""Loads a tokenizer that reads every text as text: `<s>`, `[SEP]` or `[MASK]` in a text are characters.

Left to itself, a tokenizer reads its own control tokens in a text as the control. A text could then end itself, or hide
its words, and HTML's strike-through is `<s>`.
"""

import json
import re
from pathlib import Path
from typing import Any

from tokenizers import Regex, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from zoo.errors import UserError, reason


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer in `folder`, set to read control tokens in a text as characters.

    It is saved with this setting, so plain transformers reads texts equally.

    Raises:
        UserError: the folder asks for code, has no fast tokenizer that can be read, or none that can be set so.
    """
    refuse_code(folder, "tokenizer_config.json")
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, split_special_tokens=True, trust_remote_code=False
        )
    except Exception as error:  # transformers and tokenizers raise any kind
        raise UserError(f"{folder} has no tokenizer that can be read ({reason(error)}); save it there again") from error
    if not tokenizer.is_fast:
        raise UserError(
            f"{folder} has a tokenizer that makes no tokenizer.json ({type(tokenizer).__name__}), which a checkpoint "
            "needs; use another encoder"
        )
    if _reads_controls(tokenizer):
        tokenizer = _split_controls(tokenizer)
    if _reads_controls(tokenizer):
        raise UserError(f"{folder} has a tokenizer that takes words of a text for its control tokens; use another one")
    return tokenizer


def refuse_code(folder: Path, name: str) -> None:
    """Raise UserError where the folder's JSON file `name` asks for code of the model's own, which is never run, or
    cannot be read."""
    path = folder / name
    try:
        asks = path.is_file() and "auto_map" in json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}); save it there again") from error
    if asks:
        raise UserError(
            f"{path} asks for code of the model's own (auto_map), which is not run; use a model whose code is part of "
            "transformers, or a copy of the folder without auto_map where transformers has its architecture"
        )


def _reads_controls(tokenizer: PreTrainedTokenizerBase) -> bool:
    text = "".join(f"x {token} x{token}" for token in tokenizer.all_special_tokens)
    ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return not set(ids).isdisjoint(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id})


def _split_controls(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Return the tokenizer with one more step, which cuts the first character of a control token off the rest.

    SentencePiece's unigram models have the control tokens among their pieces and would find them again. Texts without
    a control token are read as before. The class of the result is that of any tokenizer.json, because transformers'
    own classes would leave the step out when they are loaded.
    """
    backend: Any = tokenizer.backend_tokenizer
    tokens = [token for token in tokenizer.all_special_tokens if len(token) > 1]
    pattern = "|".join(f"{re.escape(token[0])}(?={re.escape(token[1:])})" for token in tokens)
    steps = [backend.pre_tokenizer] if backend.pre_tokenizer else []
    backend.pre_tokenizer = pre_tokenizers.Sequence([*steps, pre_tokenizers.Split(Regex(pattern), "isolated")])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        split_special_tokens=True,
        model_max_length=tokenizer.model_max_length,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        model_input_names=tokenizer.model_input_names,
        **tokenizer.special_tokens_map,
    )

"""An export to ONNX as a classifier: onnxruntime and tokenizers alone, so neither torch nor transformers is loaded."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from zoo.checkpoints.checkpoint import ONNX, ONNX_MISSING, CheckpointInfo, read_checkpoint
from zoo.decision import Decision
from zoo.errors import UserError, reason
from zoo.hardware import cores, give_back_memory
from zoo.long_text import LongText, capacity, overlap, pool, windows_of

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

BATCH = 16  # as fast as more on a CPU, with less memory


@dataclass(frozen=True)
class OnnxClassifier:
    """Turns texts into scores and labels, as `zoo.classifier.Classifier` does. It runs on the CPU."""

    info: CheckpointInfo
    decision: Decision
    session: "InferenceSession"
    tokenizer: Tokenizer
    padding: int  # the id of the token that fills up a batch

    @classmethod
    def load(cls, folder: Path) -> "OnnxClassifier":
        """Load the export in `folder`.

        Raises:
            UserError: it is missing, incomplete or damaged, or packages are missing.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise UserError(ONNX_MISSING) from error
        checkpoint, options = read_checkpoint(folder), onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        try:
            tokenizer, padding = _read_tokenizer(folder)
            session = onnxruntime.InferenceSession(folder / ONNX, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime and tokenizers raise any kind
            raise UserError(f"{folder} cannot be loaded ({reason(error)}); export the checkpoint again") from error
        give_back_memory()  # the graph as it was read: up to 30 MB
        return cls(checkpoint.info, checkpoint.decision, session, tokenizer, padding)

    def warm_up(self) -> None:
        """Make the first prediction as fast as any after it."""
        self.predict_logits(["the first pass is slower than any after it"])

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the whole text has, special tokens included."""
        self.tokenizer.no_truncation()
        return len(self.tokenizer.encode(text).ids)

    @property
    def capacity(self) -> int:
        """How many tokens of a text are read at most, special tokens included."""
        return capacity(self.tokenizer, self.info.max_length, self.info.long_text)

    def predict_logits(self, texts: Sequence[str], max_length: int | None = None) -> np.ndarray:
        """Return float32 logits of shape (n, num_labels); `max_length` in place of the checkpoint's own."""
        windows = _encode(self.tokenizer, texts, max_length or self.info.max_length, self.info.long_text)
        flat = [window for of_text in windows for window in of_text]
        logits = np.zeros((len(flat), len(self.info.labels)), np.float32)
        if not texts:
            return logits
        order = sorted(range(len(flat)), key=lambda row: len(flat[row]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            logits[rows] = self.session.run(["logits"], self._inputs([flat[row] for row in rows]))[0]
        return pool(logits, list(map(len, windows)))

    def _inputs(self, batch: list[list[int]]) -> dict[str, np.ndarray]:
        ids = np.full((len(batch), max(map(len, batch))), self.padding, np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(batch):
            ids[row, : len(window)], mask[row, : len(window)] = window, 1
        return {"input_ids": ids, "attention_mask": mask}

    def predict_scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return calibrated scores of shape (n, num_labels)."""
        return self.decision.scores(self.predict_logits(texts))

    def decide(self, y_score: np.ndarray) -> np.ndarray:
        """Return the decided labels, int8 of shape (n, num_labels), for scores of that shape."""
        return self.decision.decide(y_score)


def threads() -> int:
    """Return how many threads a session takes: as OMP_NUM_THREADS says, like torch, or one a usable core."""
    return int(os.environ.get("OMP_NUM_THREADS") or cores())


def _read_tokenizer(folder: Path) -> tuple[Tokenizer, int]:
    """Return the tokenizer in `folder`, set to read control tokens in a text as characters, and its padding."""
    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    tokenizer.no_padding()
    described = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    if {described.get("padding_side", "right"), described.get("truncation_side", "right")} != {"right"}:
        raise UserError("its tokenizer pads or cuts at the left")
    token = described.get("pad_token")
    padding = tokenizer.token_to_id(token["content"] if isinstance(token, dict) else token)
    return tokenizer, padding


def _encode(tokenizer: Tokenizer, texts: Sequence[str], max_length: int, long_text: LongText) -> list[list[list[int]]]:
    """Return the windows of every text, as `zoo.long_text.encode` does."""
    if long_text == "head-tail":
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(max_length, stride=overlap(max_length) if long_text == "windows" else 0)
    found = tokenizer.encode_batch(list(texts))
    return [windows_of([each.ids, *(part.ids for part in each.overflowing)], max_length, long_text) for each in found]

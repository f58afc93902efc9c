"""Pretrains one encoder with transformers' Trainer: the head first, then the whole model."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from safetensors.torch import load_file, save_file
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from zoo.files import new_folder
from zoo.hardware import multiplies_in_bf16, prefers_plain_attention
from zoo.pretraining.corpus import Corpus
from zoo.pretraining.masked_model import MaskedLanguageModel, Pretrained, mlm_head
from zoo.pretraining.objectives import PretrainRecipe, get_recipe
from zoo.pretraining.sequences import IGNORED, Example, Special, lay_out, make_example

Report = Callable[[str], None]
POINTS, SAVED = 100, 5  # the loss is reported so many times, and every fifth time the training is saved


class Sequences(torch.utils.data.Dataset[Example]):
    """Every sequence that one part of a pretraining sees, in order, visit after visit, from the corpus's front on.

    An item depends on its number alone, so a stopped training continues with the very same items. The mask is drawn
    from (seed, sequence, copy, part). The copy is the visit for a dynamic recipe, and the visit modulo the number of
    copies for a static one. The part is 0 for the head's training and 1 for the whole model's.
    """

    def __init__(
        self, corpus: Corpus, recipe: PretrainRecipe, special: Special, tokens: int, part: Literal[0, 1] = 1
    ) -> None:
        self.part = part
        self.corpus, self.recipe, self.special = corpus, recipe, special
        self.spans = lay_out(corpus, recipe, tokens)
        lengths = (
            (self.spans[:, 1] - self.spans[:, 0]) + (self.spans[:, 3] - self.spans[:, 2]) + (3 if recipe.nsp else 2)
        )
        self.count = self._count(lengths, tokens)

    @staticmethod
    def _count(lengths: np.ndarray, tokens: int) -> int:
        """Return how many items hold the budget, at least one: whole visits, then a part of one."""
        visits, rest = divmod(tokens, int(lengths.sum()))
        return max(1, visits * len(lengths) + int(np.searchsorted(np.cumsum(lengths), rest)))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, item: int) -> Example:
        visit, position = divmod(item, len(self.spans))
        row = self._order(visit)[position]
        copy = visit if self.recipe.dynamic else visit % self.recipe.copies
        rng = np.random.default_rng((self.recipe.seed, int(row), copy, self.part))
        return make_example(self.corpus, self.spans[row], self.recipe, self.special, rng)

    def _order(self, visit: int) -> np.ndarray:
        if getattr(self, "_ordered", (None, None))[0] != visit:
            self._ordered = visit, np.random.default_rng((self.recipe.seed, visit)).permutation(len(self.spans))
        return self._ordered[1]


def collate(examples: list[Example], pad: int) -> dict[str, torch.Tensor]:
    """Return a batch, padded to its longest sequence."""

    def stack(arrays: list[np.ndarray], filling: int) -> torch.Tensor:
        padded = torch.full((len(arrays), max(map(len, arrays))), filling)
        for row, array in enumerate(arrays):
            padded[row, : len(array)] = torch.from_numpy(array)
        return padded

    return {
        "input_ids": stack([example.input_ids for example in examples], pad),
        "attention_mask": stack([np.ones_like(example.input_ids) for example in examples], 0),
        "token_type_ids": stack([example.token_type_ids for example in examples], 0),
        "labels": stack([example.labels for example in examples], IGNORED),
        "next_sentence_label": torch.tensor([example.next_sentence_label for example in examples]),
    }


@dataclass(frozen=True)
class Trained:
    """What a pretraining measured: its curve of (tokens seen, mean loss on masked tokens), seconds, tokens a second."""

    curve: tuple[tuple[int, float], ...]
    seconds: float
    tokens_per_second: float


def train(
    model: Pretrained,
    corpus: Corpus,
    recipe: PretrainRecipe,
    special: Special,
    folder: Path,
    report: Report,
    heads: Path | None,
) -> Trained:
    """Train the model in place.

    A new head on a pretrained encoder is first trained alone, on `head_tokens`. Then the whole model is trained on
    `tokens`, with the recipe's share of short sequences first. Each part has its own schedule.

    Args:
        model: a masked language model of transformers.
        corpus: the packed texts to train on.
        recipe: how to train.
        special: the tokenizer's special tokens.
        folder: keeps the trainer's checkpoints. A stopped training continues from the last one there, with the same
            result as without the stop.
        report: called with lines to show.
        heads: keeps the heads that were trained on this encoder and corpus, for the other recipes; None for an encoder
            that is not pretrained yet.
    """
    if heads and recipe.head_tokens:
        _train_head(model, corpus, recipe, special, folder / "head", report, heads)
    curve, seconds, seen = list[tuple[int, float]](), 0.0, 0
    for part in recipe.parts():
        name = f"length {part.length}"
        points, took = _train_part(model, corpus, part, special, folder / name.replace(" ", "-"), report, name)
        curve += [(seen + tokens, loss) for tokens, loss in points]
        seconds, seen = seconds + took, seen + part.tokens
    return Trained(tuple(curve), seconds, seen / seconds)


def _train_head(
    model: Pretrained,
    corpus: Corpus,
    recipe: PretrainRecipe,
    special: Special,
    folder: Path,
    report: Report,
    heads: Path,
) -> None:
    """Train the head, or read it where another recipe has trained it.

    All recipes that start from one encoder share one head, so that they differ only from there on.
    """
    plain = get_recipe("roberta", batch_size=32, learning_rate=1e-3, tokens=recipe.head_tokens, seed=recipe.seed)
    plain = plain.model_copy(update={"length": recipe.length, "masked_share": recipe.masked_share})
    head, kept = mlm_head(model), heads / hashlib.sha256(plain.model_dump_json().encode()).hexdigest()[:8]
    if broadcast_object_list([kept.is_dir()])[0]:  # what the first process sees
        head.load_state_dict(load_file(kept / "model.safetensors"), strict=False)  # all but the embeddings
        return
    _train_part(model, corpus, plain, special, folder, report, "the head alone", only=head)
    embeddings = next(model.get_input_embeddings().parameters()).data_ptr()
    own = {name: tensor for name, tensor in head.state_dict().items() if tensor.data_ptr() != embeddings}
    with new_folder(kept) as written:
        save_file({name: tensor.clone() for name, tensor in own.items()}, written / "model.safetensors")


def _train_part(
    model: Pretrained,
    corpus: Corpus,
    recipe: PretrainRecipe,
    special: Special,
    folder: Path,
    report: Report,
    name: str,
    only: torch.nn.Module | None = None,
) -> tuple[list[tuple[int, float]], float]:
    """Train, and return the curve and the seconds it took. Reported lines start with `name`."""
    embeddings = list(model.get_input_embeddings().parameters())
    for parameter in model.parameters():
        parameter.requires_grad_(only is None)
    if only is not None:
        for parameter in only.parameters():
            parameter.requires_grad_(True)
    for parameter in embeddings:
        parameter.requires_grad_(only is None and not recipe.freeze_embeddings)
    if prefers_plain_attention(multiplies_in_bf16()):
        model.set_attn_implementation("eager")
    sequences = Sequences(corpus, recipe, special, recipe.tokens, part=1 if only is None else 0)
    trainer = Trainer(
        model=MaskedLanguageModel(model),
        args=_arguments(recipe, folder, len(sequences)),
        train_dataset=sequences,
        data_collator=lambda examples: collate(examples, special.pad),
        callbacks=[_Progress(report, recipe.tokens, name)],
    )
    trainer.remove_callback(PrinterCallback)
    whole = [path.parent for path in folder.glob("checkpoint-*/trainer_state.json")]  # which is written last
    last = max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    points = [entry for entry in trainer.state.log_history if "masked_loss" in entry]
    seen = [int(entry["step"]) * recipe.tokens // trainer.state.max_steps for entry in points]
    return list(zip(seen, (entry["masked_loss"] for entry in points), strict=True)), points[-1]["seconds"]


def _arguments(recipe: PretrainRecipe, folder: Path, sequences: int) -> TrainingArguments:
    processes = PartialState(cpu=not torch.cuda.is_available()).num_processes
    steps = -(-sequences // recipe.batch_size)
    interval = max(1, steps // POINTS)
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=recipe.batch_size // processes,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        warmup_steps=recipe.warmup,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        train_sampling_strategy="sequential",
        bf16=multiplies_in_bf16(),
        use_cpu=not torch.cuda.is_available(),
        seed=recipe.seed,
        save_steps=SAVED * interval,
        save_total_limit=1,
        logging_steps=interval,
        remove_unused_columns=False,
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
        report_to="none",
        dataloader_num_workers=2 if torch.cuda.is_available() else 0,
    )


class _Progress(TrainerCallback):
    """Reports tokens a second, loss and time left. It keeps loss and seconds in the trainer's history, where a stopped
    training finds them again."""

    def __init__(self, report: Report, tokens: int, name: str) -> None:
        self.report, self.tokens, self.name, self._start = report, tokens, name, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        before = max((entry.get("seconds", 0.0) for entry in state.log_history), default=0.0)
        self._start = time.perf_counter() - before

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == state.max_steps:
            control.should_log = True  # also after the last steps, which may be no whole interval

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if "loss" not in kwargs["logs"]:
            return
        losses = kwargs["model"].masked_losses
        masked_loss = float(torch.stack(losses).mean())
        losses.clear()
        seconds = time.perf_counter() - self._start
        state.log_history[-1] |= {"masked_loss": masked_loss, "seconds": seconds}
        rate = state.global_step * self.tokens / state.max_steps / seconds
        left = (state.max_steps - state.global_step) * seconds / state.global_step
        self.report(
            f"{self.name}, step {state.global_step}/{state.max_steps}: loss {kwargs['logs']['loss']:.4f}, "
            f"on masked tokens {masked_loss:.4f}, {rate:,.0f} tokens/s, {left / 60:.0f} min left"
        )

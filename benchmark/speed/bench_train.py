"""How fast fine-tuning is: transformers' example and best settings against ours, one process after the other.

    make bench-train                              # or: python -m benchmark.speed.bench_train --steps 50
    python -m benchmark.speed.bench_train --encoder mpnet-base
    python -m benchmark.speed.bench_train --target 0.86 --steps 600 --settings best-2e-5,best,ours

All train the same encoder on the same rows of SST-2 with the same batch size for the same number of steps:

- "example" is what transformers' run_glue.py does by default: every text padded to 128 tokens, float32, batches at
  random.
- "best" is the fastest that transformers' own switches give: texts padded to the longest of their batch, batches of
  similar lengths, fused AdamW, bf16 where the hardware multiplies in bf16.
- "best-2e-5" is the same with the learning rate of run_glue.py's README. It needs more steps, not longer ones,
  so it is compared only where asked.
- "ours" is the recipe of the leaderboard for this encoder, with every weight trained.

The other columns of transformers have the learning rate of its Trainer, 5e-5. All have the encoder's own dropout.

The matrix-product rate is measured in the same process. The share of it counts 6 operations a weight (embeddings apart)
and token, padding not counted, and the same for all: that ours has no need of some of them
(`zoo.checkpoints.loading.finish_first_token_only`) counts in its favour.

With --target, validation is scored every 25 steps, and the table says after how many seconds of training (scoring not
counted) the accuracy reached it.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from zoo.errors import UserError, lookup

STEPS_A_POINT = 10
STEPS_A_SCORE = 25
SETTINGS = {
    "example": "example settings",
    "best": "best settings",
    "best-2e-5": "best settings at 2e-5",
    "ours": "ours",
}
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    steps: Annotated[int, typer.Option(min=STEPS_A_POINT)] = 50,
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
    encoder: str = "minilm-l6",
    settings: Annotated[str, typer.Option(help="Which columns, with commas between them.")] = "example,best,ours",
    target: Annotated[float, typer.Option(help="Accuracy to reach on validation; 0 does not score.")] = 0.0,
    data_dir: Annotated[str, typer.Option(envvar="ENCODER_ZOO_DATA")] = "",
    only: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Compare the settings and print the table and the loss curves."""
    if only:
        sys.stdout.write(json.dumps(_measure(only, encoder, data_dir, steps, batch_size, target)))
        return
    chosen = settings.split(",")
    for name in chosen:
        lookup(SETTINGS, name, "setting")
    command = [sys.executable, "-m", "benchmark.speed.bench_train", "--steps", str(steps)]
    command += ["--batch-size", str(batch_size), "--target", str(target)]
    command += ["--encoder", encoder, "--data-dir", data_dir, "--only"]
    console, found = Console(), {}
    for name in chosen:
        with console.status(f"training with {SETTINGS[name]}"):
            done = subprocess.run([*command, name], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr.strip().splitlines()[-1])
        found[name] = json.loads(done.stdout.splitlines()[-1])
    console.print(_table(found, target))


def _measure(which: str, encoder: str, data_dir: str, steps: int, batch_size: int, target: float) -> dict[str, Any]:
    """Train for `steps` and return speeds, memory, the mean loss of every `STEPS_A_POINT` steps, and the time to the
    target."""
    import torch
    from transformers import AutoModelForSequenceClassification, set_seed

    from benchmark.tasks.registry import TASKS
    from benchmark.tasks.rows import read_rows
    from benchmark.training.fine_tune import embedding_parameters
    from benchmark.training.process import peak_memory_mib, reset_peak_memory, set_up_process
    from benchmark.training.recipes import Recipe, default_recipe
    from benchmark.training.trainer import prepare_model
    from zoo.encoders.registry import get_encoder
    from zoo.encoders.weights import fetch_weights
    from zoo.hardware import matrix_rate
    from zoo.long_text import encode
    from zoo.tokenizer import load_tokenizer

    task, spec = TASKS["sst2"], get_encoder(encoder)
    recipe = default_recipe(spec, task, 0, batch_size=batch_size)
    if not isinstance(recipe, Recipe):
        raise UserError(f"'{encoder}' is not fine-tuned; give another encoder")
    rows = read_rows(task, Path(data_dir) if data_dir else None)
    weights = fetch_weights(spec)
    if which == "ours":
        set_up_process(threads=torch.get_num_threads())  # as many as the others
    set_seed(recipe.seed)
    tokenizer = load_tokenizer(weights.folder)
    model = (
        prepare_model(weights, task, rows.train, recipe)
        if which == "ours"
        else AutoModelForSequenceClassification.from_pretrained(weights.folder, num_labels=len(task.labels))
    )
    train, validation = (
        [ids for (ids,) in encode(tokenizer, split.texts, 128)] for split in (rows.train, rows.validation)
    )
    rate = matrix_rate()
    reset_peak_memory()
    clock = _clock(model, tokenizer, validation, rows.validation.y_true, target)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(which, model, tokenizer, train, rows.train.y_true, recipe, steps, folder)
        trainer.add_callback(clock)
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start - clock.scoring
    weights_used = sum(p.numel() for p in model.parameters()) - embedding_parameters(model)
    done = trainer.state.global_step
    tokens = done * batch_size * sum(map(len, train)) / len(train)
    return {
        "examples_per_second": done * batch_size / seconds,
        "share": 6 * weights_used * tokens / seconds / rate,
        "peak_mib": peak_memory_mib(),
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
        "reached": clock.reached,
    }


def _clock(model: Any, tokenizer: Any, token_ids: list[list[int]], y_true: Any, target: float) -> Any:
    """Return the callback that scores validation, ends the training at the target, and knows the time until then."""
    from transformers import TrainerCallback

    from zoo.classifier import predict_logits

    class Clock(TrainerCallback):
        reached: float | None = None
        scoring = start = 0.0

        def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
            self.start = time.perf_counter()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if not target or state.global_step % STEPS_A_SCORE:
                return
            now = time.perf_counter()
            logits = predict_logits(model, tokenizer, [[ids] for ids in token_ids])
            if (logits.argmax(axis=1) == y_true.argmax(axis=1)).mean() >= target:
                self.reached = now - self.start - self.scoring
                control.should_training_stop = True
            self.scoring += time.perf_counter() - now

    return Clock()


def make_trainer(
    which: str, model: Any, tokenizer: Any, token_ids: Any, y_true: Any, recipe: Any, steps: int, folder: str
) -> Any:
    import torch
    from transformers import DataCollatorWithPadding, PrinterCallback, Trainer, TrainingArguments

    from benchmark.training.losses import make_loss
    from benchmark.training.trainer import training_arguments
    from zoo.hardware import multiplies_in_bf16

    ours = which == "ours"
    short: dict[str, Any] = {
        "max_steps": steps,
        "logging_steps": STEPS_A_POINT,
        "logging_strategy": "steps",
        "save_strategy": "no",
    }
    best: dict[str, Any] = {
        "bf16": multiplies_in_bf16(),
        "use_cpu": not torch.cuda.is_available(),
        "optim": "adamw_torch_fused",
        "train_sampling_strategy": "group_by_length",
    }
    if ours:
        args = training_arguments(recipe, folder, **short, eval_strategy="no", load_best_model_at_end=False)
    else:
        args = TrainingArguments(
            folder,
            per_device_train_batch_size=recipe.batch_size,
            seed=recipe.seed,
            report_to="none",
            disable_tqdm=True,
            learning_rate=2e-5 if which == "best-2e-5" else 5e-5,
            **short,
            **({} if which == "example" else best),
        )
    rows = [
        {"input_ids": ids, "labels": labels.astype("float32") if ours else int(labels.argmax())}
        for ids, labels in zip(token_ids, y_true, strict=True)
    ]
    padding: dict[str, Any] = {"padding": "max_length", "max_length": 128} if which == "example" else {}
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=rows,
        data_collator=DataCollatorWithPadding(tokenizer, **padding),
        compute_loss_func=make_loss(False, recipe.loss, None) if ours else None,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _table(found: dict[str, dict[str, Any]], target: float) -> Table:
    """Return one column for each setting; the last is also given as a multiple of each other."""
    *others, last = found
    table = Table("", *(SETTINGS[name] for name in found), *(f"{last} / {name}" for name in others))
    for key, label, digits in (
        ("examples_per_second", "texts/s", 1),
        ("share", "share of the matrix-product rate", 2),
        ("peak_mib", "peak MiB", 0),
    ):
        values = {name: each[key] for name, each in found.items()}
        ratios = (f"{values[last] / values[name]:.2f}" for name in others)
        table.add_row(label, *(f"{value:.{digits}f}" for value in values.values()), *ratios)
    if target:
        times = ("not reached" if each["reached"] is None else f"{each['reached']:.0f}" for each in found.values())
        table.add_row(f"seconds to an accuracy of {target:g}", *times)
    for point in range(min(len(each["losses"]) for each in found.values())):
        losses = (f"{each['losses'][point]:.3f}" for each in found.values())
        table.add_row(f"loss, steps to {(point + 1) * STEPS_A_POINT}", *losses)
    return table


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        sys.exit(f"Error: {error}")

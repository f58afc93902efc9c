"""How fast fine-tuning is: transformers' example settings against ours, one process after the other.

    make bench-train          # or: python -m benchmark.speed.bench_train --steps 50

Both train the same encoder on the same rows of SST-2 with the same batch size for the same number of steps. "example"
is what transformers' run_glue.py does by default: pad every text to 128 tokens, float32, all weights trained, dropout
as in the encoder, batches at random. "ours" is the recipe of the leaderboard. The matrix-product rate is measured in
the same process; the share of it counts 6 operations a weight (embeddings apart) and token, padding not counted, and
the same for both: that ours has no need of some of them (`zoo.checkpoints.loading.finish_first_token_only`) counts in
its favour.
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

from zoo.errors import UserError

STEPS_A_POINT = 10
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    steps: Annotated[int, typer.Option(min=STEPS_A_POINT)] = 50,
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
    encoder: str = "minilm-l6",
    data_dir: Annotated[str, typer.Option(envvar="ENCODER_ZOO_DATA")] = "",
    only: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Compare the two and print the table and both loss curves."""
    if only:
        sys.stdout.write(json.dumps(_measure(only, encoder, data_dir, steps, batch_size)))
        return
    command = [
        sys.executable,
        "-m",
        "benchmark.speed.bench_train",
        "--steps",
        str(steps),
        "--batch-size",
        str(batch_size),
    ]
    command += ["--encoder", encoder, "--data-dir", data_dir, "--only"]
    found = {}
    for which in ("example", "ours"):
        done = subprocess.run([*command, which], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr.strip().splitlines()[-1])
        found[which] = json.loads(done.stdout.splitlines()[-1])
    _print(found)


def _measure(which: str, encoder: str, data_dir: str, steps: int, batch_size: int) -> dict[str, Any]:
    """Train for `steps` and return speeds, memory and the mean loss of every `STEPS_A_POINT` steps."""
    from transformers import AutoModelForSequenceClassification, set_seed

    from benchmark.tasks.registry import TASKS
    from benchmark.tasks.rows import read_rows
    from benchmark.training.fine_tune import embedding_parameters, prepare_model
    from benchmark.training.process import peak_memory_mib, reset_peak_memory, set_up_process
    from benchmark.training.recipes import Recipe, default_recipe
    from zoo.encoders.registry import get_encoder
    from zoo.encoders.weights import fetch_weights
    from zoo.hardware import matrix_rate
    from zoo.long_text import encode
    from zoo.tokenizer import load_tokenizer

    task, spec = TASKS["sst2"], get_encoder(encoder)
    recipe = default_recipe(task, 0, spec.source == "none", batch_size=batch_size)
    if not isinstance(recipe, Recipe):
        raise UserError(f"'{encoder}' is not fine-tuned; give another encoder")
    train = read_rows(task, Path(data_dir) if data_dir else None).train
    weights = fetch_weights(spec)
    if which == "ours":
        set_up_process(threads=0)
    set_seed(recipe.seed)
    tokenizer = load_tokenizer(weights.folder)
    ours = which == "ours"
    model = (
        prepare_model(weights, task, train, recipe)
        if ours
        else AutoModelForSequenceClassification.from_pretrained(weights.folder, num_labels=len(task.labels))
    )
    token_ids = [ids for (ids,) in encode(tokenizer, train.texts, 128)]
    rate = matrix_rate()
    reset_peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(ours, model, tokenizer, token_ids, train.y_true, recipe, steps, folder)
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
    weights_used = sum(p.numel() for p in model.parameters()) - embedding_parameters(model)
    tokens = steps * batch_size * sum(map(len, token_ids)) / len(token_ids)
    return {
        "examples_per_second": steps * batch_size / seconds,
        "share": 6 * weights_used * tokens / seconds / rate,
        "peak_mib": peak_memory_mib(),
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    }


def _trainer(
    ours: bool, model: Any, tokenizer: Any, token_ids: Any, y_true: Any, recipe: Any, steps: int, folder: str
) -> Any:
    from transformers import DataCollatorWithPadding, PrinterCallback, Trainer, TrainingArguments

    from benchmark.training.fine_tune import training_arguments
    from benchmark.training.losses import make_loss

    short: dict[str, Any] = {
        "max_steps": steps,
        "logging_steps": STEPS_A_POINT,
        "logging_strategy": "steps",
        "save_strategy": "no",
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
            **short,
        )
    rows = [
        {"input_ids": ids, "labels": labels.astype("float32") if ours else int(labels.argmax())}
        for ids, labels in zip(token_ids, y_true, strict=True)
    ]
    padding: dict[str, Any] = {} if ours else {"padding": "max_length", "max_length": 128}
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=rows,
        data_collator=DataCollatorWithPadding(tokenizer, **padding),
        compute_loss_func=make_loss(False, recipe.loss, None) if ours else None,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _print(found: dict[str, Any]) -> None:
    table = Table("", "example settings", "ours", "ratio")
    for key, label in (
        ("examples_per_second", "texts/s"),
        ("share", "share of the matrix-product rate"),
        ("peak_mib", "peak MiB"),
    ):
        example, ours = found["example"][key], found["ours"][key]
        table.add_row(label, f"{example:.2f}", f"{ours:.2f}", f"{ours / example:.1f}")
    for point, (example, ours) in enumerate(zip(found["example"]["losses"], found["ours"]["losses"], strict=True), 1):
        table.add_row(f"loss, steps to {point * STEPS_A_POINT}", f"{example:.3f}", f"{ours:.3f}", "")
    Console().print(table)


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        sys.exit(f"Error: {error}")

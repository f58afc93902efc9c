"""What encoders of real size take: memory and seconds of a step of training, and texts a second when they predict.

    make bench-sizes                          # or: python -m benchmark.speed.bench_sizes --shapes bert-base
    python -m benchmark.speed.bench_sizes --batch-size 32 --length 512 --ways lora

The shapes are those of the published models, the weights random, so nothing is fetched. Every number of the first table
comes from a process of its own: two steps of AdamW, of which the second is timed, on texts that are all as long as
`--length`. The memory is the peak of the process, with what Python and torch take, or of the GPU where there is one.
Beside it stands what a dry run says (see `benchmark.training.memory`). The seconds are the processor's, summed over the
cores, which other work on the machine changes little; on a GPU they are those that pass.

The second table compares `predict` with transformers' own pipeline in one process: the same weights and texts, whose
lengths are mixed as people's are: half have at most 20 words, one in ten more than 70.
"""

import copy
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmark.training.memory import MemoryOptions, memory_estimate, use_bf16
from benchmark.training.recipes import Recipe
from zoo.errors import UserError, lookup
from zoo.files import write_text

LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
ROBERTA = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1}
# The model type, and what its shape has other than the type's default.
SHAPES: dict[str, tuple[str, dict[str, int]]] = {
    "bert-base": ("bert", {}),
    "roberta-base": ("roberta", ROBERTA),
    "ModernBERT-base": ("modernbert", {}),
    "bert-large-wwm": ("bert", LARGE),
}
WAYS = {"full": "all weights", "checkpointing": "with gradient checkpointing", "lora": "with LoRA of rank 8"}
HEADS = ("encoder", "training", "peak memory, GiB", "estimate, GiB", "seconds a step")
PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
BEGIN, END = "<!-- sizes: made by `make bench-sizes` -->", "<!-- end of sizes -->"
TEXTS, REPEATS = 128, 2  # of the second table
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    shapes: Annotated[str, typer.Option(help="Which rows, with commas between them.")] = ",".join(SHAPES),
    ways: Annotated[str, typer.Option(help="Which of full, checkpointing and lora.")] = ",".join(WAYS),
    batch_size: Annotated[int, typer.Option(min=1)] = 16,
    length: Annotated[int, typer.Option(min=8)] = 128,
    write: Annotated[bool, typer.Option("--write", help="Put the first table into docs/recipes.md.")] = False,
    only: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Measure and print the tables."""
    if only:
        shape, _, way = only.partition("/")
        found = measure_serving() if way == "serving" else measure_step(shape, way, batch_size, length)
        sys.stdout.write(json.dumps(found))
        return
    asked = [(shape, way) for shape in names(SHAPES, shapes, "shape") for way in names(WAYS, ways, "way")]
    console, rows, table = Console(), list[list[str]](), Table(*HEADS)
    for shape, way in asked:
        with console.status(f"{shape}: {WAYS[way]}"):
            rows.append(row(shape, way, _child(f"{shape}/{way}", batch_size, length)))
        table.add_row(*rows[-1])
    console.print(table)
    if write:
        from benchmark.board.render import between_markers  # not in the processes whose memory is measured

        text = PAGE.read_text(encoding="utf-8")
        write_text(PAGE, between_markers(PAGE, text, markdown(rows), BEGIN, END))
    with console.status("predict beside transformers' pipeline"):
        found = _child("bert-base/serving", batch_size, length)
    line = "bert-base, texts a second: predict {predict:.1f}, pipeline(batch_size=64) {pipeline:.1f}; {ratio:.2f} times"
    console.print(line.format(**found, ratio=found["predict"] / found["pipeline"]))


def names(known: Iterable[str], given: str, kind: str) -> list[str]:
    """Return the names in `given`.

    Raises:
        UserError: one of them is not known.
    """
    for name in given.split(","):
        lookup(dict.fromkeys(known), name, kind)
    return given.split(",")


def row(shape: str, way: str, found: dict[str, float]) -> list[str]:
    """Return what was measured as a row of the table."""
    return [shape, WAYS[way], f"{found['gib']:.1f}", f"{found['estimate']:.1f}", f"{found['seconds']:.1f}"]


def markdown(rows: list[list[str]]) -> str:
    """Return the table as Markdown."""
    lines = [HEADS, ("---", "---", *["---:"] * 3), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _child(only: str, batch_size: int, length: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmark.speed.bench_sizes", "--only", only]
    done = subprocess.run(
        [*command, "--batch-size", str(batch_size), "--length", str(length)], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr.strip().splitlines()[-1])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_step(shape: str, way: str, batch_size: int, length: int) -> dict[str, float]:
    """Return the peak in GiB, the estimate of it, and the seconds of a step."""
    import torch

    from benchmark.training.process import peak_memory_mib, set_up_process
    from benchmark.training.trainer import fitted
    from zoo.hardware import device, prefers_plain_attention

    set_up_process(threads=0)
    recipe = Recipe(
        batch_size=batch_size, max_length=length, freeze_embeddings=False, lora_rank=8 if way == "lora" else 0
    )
    options = MemoryOptions(gradient_checkpointing=way == "checkpointing")
    model = make_model(shape)
    if prefers_plain_attention(use_bf16(recipe)):
        model.set_attn_implementation("eager")
    estimate = memory_estimate(model, recipe, options) / 2**30
    clock = time.process_time if device() == "cpu" else time.perf_counter
    with fitted(model, recipe, options):
        model.to(device()).train()
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, fused=True)
        batch = {"input_ids": torch.randint(5, 20_000, (batch_size, length), device=device())}
        batch["attention_mask"] = torch.ones_like(batch["input_ids"])
        for _ in range(2):
            start = clock()
            with torch.autocast(device(), torch.bfloat16, enabled=use_bf16(recipe)):
                loss = model(**batch).logits.float().square().sum()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            float(loss.detach())  # waits for a GPU
            seconds = clock() - start
    return {"gib": peak_memory_mib(device()) / 2**10, "estimate": estimate, "seconds": seconds}


def make_model(shape: str) -> Any:
    """Return a model of this shape for two labels, with random weights."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from zoo.checkpoints.loading import finish_first_token_only

    kind, changes = lookup(SHAPES, shape, "shape")
    model = AutoModelForSequenceClassification.from_config(AutoConfig.for_model(kind, num_labels=2, **changes))
    return finish_first_token_only(model)


def mixed_texts(texts: list[str], number: int, seed: int = 0) -> list[str]:
    """Return `number` texts made of the words of `texts`: half have at most 20 words, one in ten more than 70."""
    rng = np.random.default_rng(seed)
    words = " ".join(texts).split()
    lengths = np.clip(rng.lognormal(np.log(20), 1.0, number), 1, 400).astype(int)
    starts = rng.integers(0, max(1, len(words) - 400), number)
    return [" ".join(words[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


def measure_serving() -> dict[str, float]:
    """Return how many texts `predict` and transformers' pipeline answer in a second, the best of some repeats each."""
    from transformers import AutoConfig, AutoModelForSequenceClassification, pipeline

    from benchmark.tasks.registry import TASKS
    from benchmark.tasks.rows import read_rows
    from benchmark.training.process import set_up_process
    from zoo.checkpoints.loading import finish_first_token_only
    from zoo.classifier import predict_logits
    from zoo.encoders.registry import get_encoder
    from zoo.encoders.weights import fetch_weights
    from zoo.hardware import device
    from zoo.long_text import encode
    from zoo.tokenizer import load_tokenizer

    set_up_process(threads=0)
    tokenizer = load_tokenizer(fetch_weights(get_encoder("minilm-l6")).folder)  # BERT's own vocabulary
    texts = mixed_texts(read_rows(TASKS["feedback"], None).train.texts, TEXTS)
    plain = AutoModelForSequenceClassification.from_config(AutoConfig.for_model("bert", num_labels=2)).eval()
    ours: Any = finish_first_token_only(copy.deepcopy(plain))
    ours.to(device())
    make: Any = pipeline
    theirs = make("text-classification", model=plain, tokenizer=tokenizer, batch_size=64, device=device(), top_k=None)
    ways = {
        "predict": lambda: predict_logits(ours, tokenizer, encode(tokenizer, texts, 128)),
        "pipeline": lambda: list(theirs(texts, truncation=True, max_length=128)),
    }
    clock = time.process_time if device() == "cpu" else time.perf_counter
    fastest = dict.fromkeys(ways, float("inf"))
    for _ in range(REPEATS):
        for name, answer in ways.items():
            start = clock()
            answer()
            fastest[name] = min(fastest[name], clock() - start)
    return {name: len(texts) / seconds for name, seconds in fastest.items()}


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        sys.exit(f"Error: {error}")

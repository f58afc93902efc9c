"""How a model is served by torch, by onnxruntime in float32, and by onnxruntime in int8: start, memory, speed.

    make bench-serve          # or: python -m benchmark.speed.bench_serve --checkpoint FOLDER --threads 2

Each form is loaded in a process of its own, REPEATS times; the median is shown. The start ends with the first answer.
The memory is what the process then has. Nothing is scored here: `encoder-zoo export` does that.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import read_rows
from zoo.checkpoints.checkpoint import CHECKPOINTS, ONNX, read_checkpoint
from zoo.checkpoints.loading import describe_checkpoint, load_model, save_checkpoint
from zoo.checkpoints.onnx_export import export_checkpoint, quantise_graph
from zoo.hardware import processor

REPEATS, SINGLES, BATCH = 3, 40, 64
CHILD = """
import json, sys, time
from pathlib import Path
from zoo.serving import load_classifier
folder, began, texts, singles, batch = sys.argv[1], float(sys.argv[2]), json.loads(sys.argv[3]), *map(int, sys.argv[4:])
classifier = load_classifier(Path(folder))
classifier.predict_scores(texts[:1])
started = time.time() - began
resident = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
def seconds(texts):
    start = time.perf_counter()
    classifier.predict_scores(texts)
    return time.perf_counter() - start
alone = sorted(seconds([texts[at % len(texts)]]) for at in range(singles))[singles // 2]
seconds(texts[:batch])
together = seconds(texts[:batch])
print(json.dumps([started, resident / 1024, 1000 * alone, len(texts[:batch]) / together]))
"""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def make_forms(checkpoint: Path, folder: Path) -> dict[str, Path]:
    """Write a checkpoint in three forms below a folder; return their folders by name."""
    found, forms = read_checkpoint(checkpoint), {"torch": folder / "torch", "onnxruntime": folder / "onnx"}
    save_checkpoint(forms["torch"], found.info, found.decision, *load_model(found), "")
    export_checkpoint(checkpoint, forms["onnxruntime"])
    forms["onnxruntime int8"] = small = folder / "int8"
    small.mkdir()
    for path in forms["onnxruntime"].iterdir():
        if path.name != ONNX:
            (small / path.name).write_bytes(path.read_bytes())
    quantise_graph(forms["onnxruntime"] / ONNX, small / ONNX, embeddings=True)
    describe_checkpoint(small, found.info, found.decision, small / ONNX, "")
    return forms


def measure(folder: Path, texts: list[str], threads: int) -> list[float]:
    """Return start (seconds), memory (MiB), time of one text (ms) and texts a second, medians over processes."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    found = []
    for _ in range(REPEATS):
        arguments = [str(folder), str(time.time()), json.dumps(texts), str(SINGLES), str(BATCH)]
        command = [sys.executable, "-c", CHILD, *arguments]
        found.append(json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout))
    medians: list[float] = np.median(found, axis=0).tolist()
    return medians


@app.command()
def main(
    checkpoint: Annotated[Path, typer.Option(help="a fine-tuned model")] = CHECKPOINTS / "feedback" / "minilm-l6",
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Measure the three forms, and print them beside each other."""
    texts = read_rows(TASKS["feedback"], None).test.texts[:BATCH]
    heads = (
        "served by",
        "MB on disk",
        "start (s)",
        "memory (MiB)",
        "one text (ms)",
        f"texts a second, of {BATCH}",
    )
    table = Table(*heads)
    with tempfile.TemporaryDirectory() as root:
        for name, folder in make_forms(checkpoint, Path(root)).items():
            start, memory, single, rate = measure(folder, texts, threads)
            size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
            table.add_row(name, f"{size:.0f}", f"{start:.2f}", f"{memory:.0f}", f"{single:.1f}", f"{rate:.0f}")
    Console().print(f"{checkpoint.name}, {threads} threads of {processor()}; {REPEATS} processes each")
    Console().print(table)


if __name__ == "__main__":
    app()

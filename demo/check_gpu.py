"""What the project does on a GPU, checked and measured in one go without a download: `make test-gpu`.

Encoders have the shapes of bert-base and MiniLM and random weights; texts are made of made-up words. Each check
stands in the JSON file with its figures, or with the reason why it failed. Without a GPU the same checks run on the
CPU; --tiny makes everything small, so that only the device differs.
"""

import copy
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from rich.console import Console

from benchmark.release.ship import keep_checkpoint
from benchmark.speed.bench_train import make_trainer
from benchmark.speed.made_up import FULL, MULTI, SINGLE, TINY, At, Size, make_encoder, make_split
from benchmark.training.grid import plan, run_grid
from benchmark.training.losses import make_loss
from benchmark.training.memory import WHOLE_BATCHES, MemoryOptions
from benchmark.training.process import peak_memory_mib, reset_peak_memory, set_up_process
from benchmark.training.runs import read_runs
from benchmark.training.trainer import prepare_model
from demo.batch.handlers import Results, classify_rows
from demo.batch.inputs import BatchRows
from demo.compare.handlers import classify
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.hardware import library_versions, processor
from zoo.long_text import encode
from zoo.pretraining.objectives import get_recipe
from zoo.pretraining.pretrain import Job
from zoo.pretraining.pretrain import run as pretrain
from zoo.serving import load_classifier
from zoo.tokenizer import load_tokenizer

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Figures = dict[str, Any]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    output: Annotated[Path, typer.Option(help="Where the figures are written.")] = Path("build/gpu.json"),
    tiny: Annotated[bool, typer.Option("--tiny", help="Small encoders, for any machine.")] = False,
    seconds: Annotated[float, typer.Option(help="No check begins after so many seconds.")] = 480.0,
) -> None:
    """Run every check, show its figures, and end with exit code 1 if one failed."""
    console, begun, found = Console(), time.perf_counter(), dict[str, Figures]()
    set_up_process(0)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ENCODER_ZOO_CACHE"] = f"{folder}/cache"
        for name, check in _checks(TINY if tiny else FULL, Path(folder)):
            start = time.perf_counter()
            found[name] = _result(check) if start - begun < seconds else {"passed": False, "why": "no time was left"}
            found[name]["seconds"] = round(time.perf_counter() - start, 2)
            console.print(name, json.dumps(found[name]), style=None if found[name]["passed"] else "red")
    device = torch.cuda.get_device_name() if DEVICE == "cuda" else processor()
    report = {"device": device, "tiny": tiny, "versions": library_versions(), "checks": found}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    console.print(f"wrote {output}")
    sys.exit(not all(each["passed"] for each in found.values()))


def _checks(size: Size, folder: Path) -> Iterator[tuple[str, Callable[[], Figures]]]:
    for name in size.shapes:
        at = At(folder, size, name)
        make_encoder(at)
        for precision in ("fp32", "bf16"):
            yield f"{name}, {precision}: the same seed twice", partial(same_seed_twice, at, precision)
        yield f"{name}: Trainer against a plain loop", partial(trainer_and_plain_loop, at)
        yield f"{name}: windows of long texts", partial(windows, at)
        yield f"{name}: micro-batches and gradient checkpointing", partial(in_parts, at)
        yield f"{name}: a run, its checkpoint, the app's handlers", partial(served, at)
        for settings in ("example", "ours"):
            yield f"{name}: speed with {settings} settings", partial(speed, at, settings)
    yield "pretraining", partial(pretraining, At(folder, size, "minilm"))


def _result(check: Callable[[], Figures]) -> Figures:
    """Run a check; whatever goes wrong on a device that nobody has tried is written down, and the next one runs."""
    try:
        return {"passed": True, **check()}
    except Exception as error:
        return {"passed": False, "why": f"{type(error).__name__}: {error}"}


def same_seed_twice(at: At, precision: str) -> Figures:
    """Fine-tune twice with one seed: the logits are equal to the last bit."""
    rows = at.rows(MULTI)
    with _peak() as peak:
        first = at.tune(MULTI, rows, precision=precision)
    second = at.tune(MULTI, rows, precision=precision)
    difference = float(np.abs(first.predictions.test_logits - second.predictions.test_logits).max())
    _require(np.isfinite(first.predictions.test_logits).all(), "the logits are not finite")
    _require(difference == 0, f"the same seed gave logits that differ by {difference:.2g}")
    rate = first.measured.train_examples_per_second
    return {"examples_per_second": rate, "inference": first.measured.inference_examples_per_second, **peak}


def trainer_and_plain_loop(at: At) -> Figures:
    """Train the same model on the same batches by Trainer and by a loop of torch alone, in float32 without dropout."""
    from transformers import get_linear_schedule_with_warmup

    rows, weights = at.rows(SINGLE), fetch_weights(get_encoder(str(at.encoder)))
    recipe = at.recipe(SINGLE, precision="fp32", dropout=0.0)
    tokenizer = load_tokenizer(weights.folder)
    model: Any = prepare_model(weights, SINGLE, rows.train, recipe)
    model.to(DEVICE)
    start, twin = copy.deepcopy(model), copy.deepcopy(model)
    batches: list[dict[str, torch.Tensor]] = []
    with tempfile.TemporaryDirectory() as folder:
        ids = [ids for (ids,) in encode(tokenizer, rows.train.texts, at.size.length)]
        trainer = make_trainer("ours", model, tokenizer, ids, rows.train.y_true, recipe, at.size.steps, folder)
        collate = trainer.data_collator

        def kept(features: Any) -> Any:
            batches.append(collate(features))
            return batches[-1]

        trainer.data_collator = kept
        trainer.train()
    decayed = set(trainer.get_decay_parameter_names(twin))
    groups = [{"params": [p for name, p in twin.named_parameters() if (name in decayed) == on],
               "weight_decay": recipe.weight_decay * on} for on in (True, False)]  # fmt: skip
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate)
    schedule = get_linear_schedule_with_warmup(optimizer, trainer.args.get_warmup_steps(at.size.steps), at.size.steps)
    loss_of = make_loss(False, recipe.loss, None)
    twin.train()
    for batch in batches[: at.size.steps]:
        given = {name: tensor.to(DEVICE) for name, tensor in batch.items()}
        labels = given.pop("labels")
        loss_of(twin(**given), labels, None).backward()
        torch.nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    given = {name: tensor.to(DEVICE) for name, tensor in batches[0].items() if name != "labels"}
    with torch.no_grad():
        before, ours, plain = (each.eval()(**given).logits for each in (start, model, twin))
    moved, apart = float((ours - before).abs().max()), float((ours - plain).abs().max())
    _require(apart < 0.02 * moved, f"the logits differ by {apart:.2g} after they moved by {moved:.2g}")
    return {"logits_moved": moved, "logits_apart": apart}


def windows(at: At) -> Figures:
    """Fine-tune on texts longer than the length limit, read in windows."""
    found = at.tune(MULTI, at.rows(MULTI, long=3), long_text="windows")
    _require(np.isfinite(found.predictions.test_logits).all(), "the logits are not finite")
    _require(found.measured.truncated < 1, "every text was cut")
    return {"examples_per_second": found.measured.train_examples_per_second}


def in_parts(at: At) -> Figures:
    """Fine-tune with each batch in four parts, then with gradient checkpointing, too: the logits of whole batches."""
    rows, found, peaks = at.rows(MULTI), dict[str, np.ndarray](), dict[str, float]()
    part = at.size.batch // 4
    ways = {"whole": WHOLE_BATCHES, "parts": MemoryOptions(part), "checkpointed": MemoryOptions(part, True)}
    for way, memory in ways.items():
        with _peak() as peak:
            tuned = at.tune(MULTI, rows, memory, precision="fp32", dropout=0.0)
        found[way], peaks[f"{way}_peak_mib"] = tuned.predictions.test_logits, peak["peak_mib"]
    spread = float(np.ptp(found["whole"]))
    apart = max(float(np.abs(logits - found["whole"]).max()) for logits in found.values())
    _require(apart < 0.02 * spread, f"the logits differ by {apart:.2g}, and span {spread:.2g}")
    if DEVICE == "cuda":
        _require(peaks["parts_peak_mib"] < peaks["whole_peak_mib"], f"parts save no memory: {peaks}")
    return {"logits_span": spread, "logits_apart": apart, **peaks}


def served(at: At) -> Figures:
    """Run a cell of a grid; its checkpoint, and the app's handlers on it, give the run's own logits and labels."""
    rows, root = at.rows(MULTI), at.folder / at.name
    cells = plan({MULTI: rows}, [get_encoder(str(at.encoder))], [0], root / "results", **at.recipe(MULTI).model_dump(
        include={"epochs", "min_steps", "batch_size", "max_length", "learning_rate", "freeze_embeddings"}))  # fmt: skip

    failed = run_grid(cells, lambda now: None, partial(keep_checkpoint, root / "checkpoints"))
    _require(not failed, "; ".join(failed.values()))
    (run,) = read_runs(root / "results")
    _require(not run.info.diverged, run.info.diverged)
    (folder,) = (root / "checkpoints" / MULTI.name).iterdir()
    classifier = load_classifier(folder)
    apart = float(np.abs(classifier.predict_logits(rows.test.texts) - run.predictions.test_logits).max())
    _require(apart < 0.02, f"the checkpoint's logits differ by {apart:.2g} from the run's")
    texts = rows.test.texts[:20]
    decided = classifier.decide(classifier.predict_scores(texts))
    answer = classify(texts[0], MULTI.name, [folder.name], root / "checkpoints")
    _require(not answer.failures, "the Compare tab cannot answer")
    labels = [label for label, on in zip(MULTI.labels, decided[0], strict=True) if on]
    _require(answer.decided(answer.answers[0]) == labels, "the Compare tab decides other labels")
    *_, results = classify_rows(BatchRows(texts, None), MULTI.name, [folder.name], root / "checkpoints")
    assert isinstance(results, Results)
    _require((results.decided[folder.name] == decided).all(), "the Batch tab decides other labels")
    return {"logits_apart": apart, **{k: v for k, v in run.info.hardware.items() if k in ("gpu", "precision")}}


def speed(at: At, settings: str) -> Figures:
    """Train with transformers' example settings, or with ours: texts a second and the peak of the memory."""
    from transformers import AutoModelForSequenceClassification

    rows, weights = at.rows(SINGLE), fetch_weights(get_encoder(str(at.encoder)))
    recipe, tokenizer = at.recipe(SINGLE), load_tokenizer(weights.folder)
    ids = [ids for (ids,) in encode(tokenizer, rows.train.texts, at.size.length)]
    ours = settings == "ours"
    model = (
        prepare_model(weights, SINGLE, rows.train, recipe)
        if ours
        else AutoModelForSequenceClassification.from_pretrained(weights.folder, num_labels=2)
    )
    with tempfile.TemporaryDirectory() as folder, _peak() as peak:
        trainer = make_trainer(settings, model, tokenizer, ids, rows.train.y_true, recipe, at.size.steps, folder)
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
    return {"examples_per_second": at.size.steps * at.size.batch / seconds, **peak}


def pretraining(at: At) -> Figures:
    """Pretrain for some steps from the encoder; the loss falls."""
    corpus, output = at.folder / "corpus", at.folder / "pretrained"
    corpus.mkdir()
    texts = make_split(MULTI, at.size, 4 * at.size.rows, 7, long=3).texts
    pd.DataFrame({"text": [f"{text}." for text in texts]}).to_parquet(corpus / "texts.parquet")
    length = at.size.length
    recipe = get_recipe("bert", length=length, tokens=at.size.pretraining_steps * 16 * length, head_tokens=16 * length,
                        learning_rate=10 * at.size.learning_rate, freeze_embeddings=False)  # fmt: skip
    pretrain(Job(recipe, "en", str(at.encoder), corpus, output, None, 0), lambda line: None)
    facts = json.loads((output / "pretraining.json").read_text())["training"]
    losses = [loss for _, loss in facts["curve"]]
    _require(
        bool(np.isfinite(losses).all()) and losses[-1] < losses[0], f"the loss went from {losses[0]} to {losses[-1]}"
    )
    return {"tokens_per_second": facts["tokens_per_second"], "first_loss": losses[0], "last_loss": losses[-1]}


@contextmanager
def _peak() -> Iterator[Figures]:
    """Measure the peak of the GPU's memory, or of the process's without a GPU, in MiB."""
    found: Figures = {}
    if DEVICE == "cuda":
        torch.cuda.reset_peak_memory_stats()
    reset_peak_memory()
    yield found
    found["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20 if DEVICE == "cuda" else peak_memory_mib()


def _require(holds: Any, why: str) -> None:
    if not holds:
        raise RuntimeError(why)


if __name__ == "__main__":
    app()

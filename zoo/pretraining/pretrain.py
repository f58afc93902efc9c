"""One pretraining from its start to its card: pack the corpus, train, measure on held-out documents, write."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from transformers import AutoTokenizer, PreTrainedTokenizerBase, set_seed
from transformers.utils import logging

from zoo.encoders.packed import HITS
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError
from zoo.files import cache_folder, new_folder
from zoo.hardware import (
    library_versions,
    matrix_rate,
    multiplies_in_bf16,
    processor,
    refuse_several_gpus,
    reuse_memory,
)
from zoo.pretraining.corpus import (
    Packed,
    corpus_hash,
    not_held_out,
    pack_corpus,
    read_excluded,
    read_texts,
    texts_hash,
    without,
)
from zoo.pretraining.held_out import check_measurable, evaluate
from zoo.pretraining.masked_model import (
    Pretrained,
    from_encoder,
    from_nothing,
    save_encoder,
    special_tokens,
    weights_a_token,
)
from zoo.pretraining.objectives import PretrainRecipe
from zoo.pretraining.train import Trained, train
from zoo.pretraining.vocabulary import ALPHABET, SIZE, train_tokenizer

HELD_OUT_TOKENS = 200_000
# A model from nothing has no old part to keep while the head learns. And among 128 tokens it does not find the
# neighbours that give a masked one away, so short sequences come first. Devlin et al. 2019 (A.2) do so for nine
# tenths of the steps, with 128 tokens of 512.
FROM_NOTHING = {"head_tokens": 0, "freeze_embeddings": False, "short_share": 0.9}


@dataclass(frozen=True)
class Job:
    """What `encoder-zoo pretrain` was asked for."""

    recipe: PretrainRecipe
    language: str
    start: str
    corpus: Path
    output: Path
    exclude: Path | None
    threads: int


@dataclass(frozen=True)
class _Start:
    """Where a pretraining starts: an encoder's name and revision ("nothing" and "" without one), the model with its
    heads, and whether the head for masked tokens is new."""

    name: str
    revision: str
    model: Pretrained
    tokenizer: PreTrainedTokenizerBase
    new_head: bool


def run(job: Job, report: Callable[[str], None]) -> None:
    """Pretrain, and write the encoder with its card to `job.output`.

    The trainer's own files are in a folder beside it, for this very job, until the job is done. Where `accelerate
    launch` runs several processes, the first one reports and writes.

    Raises:
        UserError: the output exists already, or the start, the corpus or the excluded datasets do not fit.
    """
    processes = PartialState(cpu=not torch.cuda.is_available())
    job = _checked(job, processes.num_processes)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if job.threads:
        torch.set_num_threads(job.threads)
    reuse_memory()
    tell = report if processes.is_main_process else lambda line: None
    set_seed(job.recipe.seed)
    began = time.perf_counter()
    with _main_process_first(processes):
        start = _from_nothing(job) if job.start == "nothing" else _from_encoder(job)
        tokenizer, special = start.tokenizer, special_tokens(start.tokenizer)
        backend, separator = tokenizer.backend_tokenizer, tokenizer.sep_token
        packed = pack_corpus(job.corpus, backend, separator, job.language, job.exclude, cache_folder())
    if not start.new_head:
        job = replace(job, recipe=job.recipe.model_copy(update={"head_tokens": 0}))
    tell(f"{len(packed.train.tokens):,} tokens packed in {packed.folder} ({time.perf_counter() - began:.0f} s)")
    tell(f"validation and test texts of the tasks in the corpus: {_leaked(job, packed)}")
    check_measurable(packed.held_out, job.recipe, special, HELD_OUT_TOKENS)
    asked = [job.recipe.model_dump_json(), job.language, start.name, start.revision, packed.folder.name]
    training = job.output.parent / f".{job.output.name}-training-{_short_hash(asked)}"
    heads = cache_folder() / f"heads-{_short_hash(asked[2:])}" if job.start != "nothing" else None
    trained = train(start.model, packed.train, job.recipe, special, training, tell, heads)
    if processes.is_main_process:
        _measure_and_write(job, start, packed, trained, report)
        shutil.rmtree(training, ignore_errors=True)


def _checked(job: Job, processes: int) -> Job:
    """Check what can be checked before anything is read; return the job with the recipe that fits its start."""
    if job.output.exists():
        raise UserError(f"{job.output} is there already; give another --output, or delete it")
    refuse_several_gpus("start with `accelerate launch -m zoo pretrain ...`, or set CUDA_VISIBLE_DEVICES=0")
    if job.recipe.batch_size % processes:
        raise UserError(
            f"{processes} processes cannot share batches of {job.recipe.batch_size}; launch a number of processes "
            "that divides it"
        )
    if job.start != "nothing":
        return job
    if job.recipe.name == "roberta" and job.recipe.nsp:
        raise UserError("A RobertaForMaskedLM has no next sentence prediction; leave out --nsp, or give a --start")
    return replace(job, recipe=job.recipe.model_copy(update=FROM_NOTHING))


@contextmanager
def _main_process_first(processes: PartialState) -> Iterator[None]:
    """Run the block in the first process, then in the others.

    accelerate has the same, but there a failure of the first process ends the others by a broken connection. Here they
    go on and fail by themselves, each with its own line.
    """
    if not processes.is_main_process:
        processes.wait_for_everyone()
    try:
        yield
    finally:
        if processes.is_main_process:
            processes.wait_for_everyone()


def _measure_and_write(
    job: Job, start: _Start, packed: Packed, trained: Trained, report: Callable[[str], None]
) -> None:
    processes = PartialState().num_processes
    rate = 6 * weights_a_token(start.model, job.recipe.masked_share) * trained.tokens_per_second
    share = rate / processes / matrix_rate()
    report(f"{rate / 1e9:.1f} GFLOP/s by the 6ND count, {share:.0%} of this machine's rate for matrix products")
    special = special_tokens(start.tokenizer)
    measured, hits = evaluate(start.model, packed.held_out, job.recipe, special, HELD_OUT_TOKENS)
    held_out = asdict(measured)
    report("held out: " + ", ".join(f"{name} {_figure(value)}" for name, value in held_out.items()))
    facts = {
        "recipe": job.recipe.model_dump(),
        "language": job.language,
        "start": start.name,
        "start_revision": start.revision,
        "corpus": packed.facts,
        "held_out": held_out,
        "training": asdict(trained),
        "hardware": {
            "device": _device(),
            "threads": torch.get_num_threads(),
            "processes": processes,
            "bf16": multiplies_in_bf16(),
            "flops": rate,
            "share_of_matrix_rate": share,
        },
        "versions": library_versions() | {name: version(name) for name in ("accelerate", "jieba")},
    }
    with new_folder(job.output) as folder:
        save_encoder(start.model, start.tokenizer, folder)
        np.savez_compressed(folder / HITS, **asdict(hits))
        (folder / "pretraining.json").write_text(json.dumps(facts, indent=1) + "\n")
        card = _card(job, start.name, packed, held_out, trained, rate, share)
        (folder / "README.md").write_text(card, encoding="utf-8")


def _from_encoder(job: Job) -> _Start:
    encoder = get_encoder(job.start)
    if encoder.language not in (job.language, "any"):
        raise UserError(
            f"'{encoder.name}' is an encoder for '{encoder.language}', and --language is '{job.language}'; give a "
            "start of that language, or nothing"
        )
    weights = fetch_weights(encoder)
    config = json.loads((weights.folder / "config.json").read_text())
    if (kind := config.get("model_type")) != "bert":
        raise UserError(f"'{encoder.name}' is a {kind} model; give a --start of BERT's kind")
    if (room := config.get("max_position_embeddings", 512)) < job.recipe.length:  # BertConfig's own default
        raise UserError(
            f"'{encoder.name}' reads at most {room} tokens, and the recipe's sequences have {job.recipe.length}; give "
            "another --start"
        )
    return _Start(encoder.name, weights.revision, *from_encoder(weights.folder))


def _from_nothing(job: Job) -> _Start:
    # The vocabulary is kept, because WordPiece's trainer makes another one each time.
    kind = "bpe" if job.recipe.name == "roberta" else "wordpiece"
    excluded = read_excluded(job.exclude)
    kept = cache_folder() / f"vocabulary-{corpus_hash(job.corpus)}-{kind}-{SIZE}-{ALPHABET}-{texts_hash(excluded)}"
    if not kept.is_dir():
        texts = without(excluded, read_texts(job.corpus))
        tokenizer = train_tokenizer(job.recipe.name, not_held_out(texts))
        with new_folder(kept) as folder:
            tokenizer.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(kept, model_max_length=job.recipe.length)
    return _Start("nothing", "", from_nothing(job.recipe.name, tokenizer, job.recipe.length), tokenizer, True)


def _short_hash(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor()


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _leaked(job: Job, packed: Packed) -> str:
    return f"{packed.facts['leaked']} rows, left out" if job.exclude else "not checked; give --exclude"


def _card(
    job: Job, start: str, packed: Packed, held_out: dict[str, float], trained: Trained, rate: float, share: float
) -> str:
    recipe = job.recipe
    measured = "\n".join(f"| {name} | {_figure(value)} |" for name, value in held_out.items())
    head = f", after {recipe.head_tokens:,} for the new head alone" if recipe.head_tokens else ""
    shorter = "".join(f"{part.length} for {recipe.short_share:.0%} of them, then " for part in recipe.parts()[:-1])
    return f"""# {job.output.name}

This is a small masked language model for {"Chinese" if job.language == "zh" else "English"}; it is no BERT-base.
Encoder Zoo pretrained it from {start} with the recipe `{recipe.name}`: masking by {recipe.masking},
{"dynamic" if recipe.dynamic else f"static with {recipe.copies} copies"}, {"with" if recipe.nsp else "without"} next
sentence prediction.

| | |
|---|---|
| corpus | {packed.facts["documents"]:,} documents, hash {packed.facts["corpus"]} |
| validation and test texts of the tasks in it | {_leaked(job, packed)} |
| tokens seen | {recipe.tokens:,}{head} |
| tokens a sequence | {shorter}{recipe.length} |
| hours, without the head's | {trained.seconds / 3600:.2f} at {trained.tokens_per_second:,.0f} tokens/s |
| rate by the 6ND count | {rate / 1e9:.1f} GFLOP/s, {share:.0%} of the machine's for matrix products just after |
| hardware | {_device()}, {torch.get_num_threads()} threads, {"bf16" if multiplies_in_bf16() else "float32"} |

On held-out documents:

| | |
|---|---:|
{measured}
"""

"""Whole pretrainings at tiny size: from nothing, from a start, as a trio, by two processes; and their mistakes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer
from transformers import BertForPreTraining as BertModel

from encoder_zoo import main
from zoo.encoders.packed import HITS
from zoo.errors import UserError
from zoo.hardware import matrix_rate
from zoo.pretraining import pretrain, trio
from zoo.pretraining.objectives import get_recipe
from zoo.pretraining.pretrain import Job, run
from zoo.pretraining.trio import Trio, pretrain_trio


@pytest.fixture(autouse=True, scope="module")
def _few_products() -> Iterator[None]:
    """Each pretraining measures what the machine multiplies; smaller matrices say it well enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrain, "matrix_rate", partial(matrix_rate, size=256))
        yield


@pytest.fixture(scope="module")
def text_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    texts = [f"The cat number {i} sat on the mat. It was a sunny day, and nobody minded." for i in range(600)]
    pd.DataFrame({"text": texts}).to_parquet(folder / "part.parquet")
    return folder


@dataclass(frozen=True)
class FromNothing:
    """A pretraining from nothing: what it was asked for, where it wrote, and what it told."""

    kind: str
    job: Job
    lines: list[str]


@pytest.fixture(
    scope="module",
    params=[("bert-wwm", "BertForMaskedLM"), pytest.param(("roberta", "RobertaForMaskedLM"), marks=pytest.mark.slow)],
    ids=lambda param: param[0],
)
def from_nothing(
    request: pytest.FixtureRequest, text_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> FromNothing:
    name, kind = request.param
    chosen, lines = get_recipe(name, tokens=600, length=32, batch_size=8), list[str]()
    job = Job(chosen, "en", "nothing", text_folder, tmp_path_factory.mktemp("nothing") / "out", None, 1)
    run(job, lines.append)
    return FromNothing(kind, job, lines)


def test_from_nothing_to_a_folder_that_transformers_loads(from_nothing: FromNothing) -> None:
    out = from_nothing.job.output
    model = AutoModelForMaskedLM.from_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert type(model).__name__ == from_nothing.kind
    assert not list(out.parent.glob(".out-training*"))
    assert any("tokens/s" in line for line in from_nothing.lines)
    facts = json.loads((out / "pretraining.json").read_text())
    assert facts["held_out"]["masked_pieces"] > 0
    assert (facts["recipe"]["head_tokens"], facts["recipe"]["freeze_embeddings"]) == (0, False)
    card = (out / "README.md").read_text()
    assert "new head" not in card
    assert "| tokens a sequence | 8 for 90% of them, then 32 |" in card
    assert 0 < facts["hardware"]["share_of_matrix_rate"] < 1
    inputs = tokenizer("The cat sat", return_tensors="pt")
    assert model(**inputs).logits.shape[-1] == len(tokenizer)
    classifier = AutoModelForSequenceClassification.from_pretrained(out, num_labels=3)
    if from_nothing.kind == "BertForMaskedLM":
        pooler = load_file(out / "model.safetensors")["bert.pooler.dense.weight"]
        assert torch.equal(classifier.bert.pooler.dense.weight, pooler)
    with np.load(out / HITS) as hits:
        assert len(hits["right"]) == facts["held_out"]["masked_words"]
    with pytest.raises(UserError, match="there already"):
        run(from_nothing.job, from_nothing.lines.append)


@pytest.mark.campaign
def test_a_second_pretraining_has_the_vocabulary_of_the_first(from_nothing: FromNothing, tmp_path: Path) -> None:
    run(replace(from_nothing.job, output=tmp_path / "again"), from_nothing.lines.append)
    first, again = map(AutoTokenizer.from_pretrained, (from_nothing.job.output, tmp_path / "again"))
    assert again.get_vocab() == first.get_vocab()


@pytest.mark.slow
@pytest.mark.parametrize("from_nothing", [("bert-wwm", "BertForMaskedLM")], indirect=True, ids=["bert-wwm"])
def test_a_start_with_a_head_keeps_it(from_nothing: FromNothing, tmp_path: Path) -> None:
    lines: list[str] = []
    start = str(from_nothing.job.output)
    run(replace(from_nothing.job, start=start, output=tmp_path / "second"), lines.append)
    facts = json.loads((tmp_path / "second" / "pretraining.json").read_text())
    assert facts["recipe"]["head_tokens"] == 0
    assert not any("head alone" in line for line in lines)


def test_a_corpus_with_nothing_to_mask_is_told_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCODER_ZOO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "corpus").mkdir()
    pd.DataFrame({"text": ["Incomprehensibilities"] * 9}).to_parquet(tmp_path / "corpus" / "part.parquet")
    lines: list[str] = []
    with pytest.raises(UserError, match="too short to mask anything in; give a larger --corpus"):
        run(Job(get_recipe("bert"), "en", "minilm-l6", tmp_path / "corpus", tmp_path / "out", None, 1), lines.append)
    assert lines[-1] == "validation and test texts of the tasks in the corpus: not checked; give --exclude"


def _trio(start: Path, corpus: Path, output: Path) -> Trio:
    return Trio("en", str(start), corpus, output, None, 6_000, 1)


@pytest.fixture
def start_with_heads(tiny_bert: Path, tmp_path: Path) -> Path:
    BertModel.from_pretrained(tiny_bert).save_pretrained(tmp_path / "start")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "start")
    return tmp_path / "start"


def test_a_trio_that_is_stopped_goes_on_and_ends_as_one_that_was_not(
    start_with_heads: Path, text_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trio, "SAMPLE", 8_000)
    lines: list[str] = []
    first, second = (_trio(start_with_heads, text_folder, tmp_path / name) for name in ("whole", "part"))
    whole = pretrain_trio(first, lines.append)
    assert [folder.name for folder in whole] == ["bert-en", "roberta-en", "bert-wwm-en"]
    recipes = [json.loads((folder / "pretraining.json").read_text())["recipe"] for folder in whole]
    assert [(each["name"], each["copies"], each["tokens"]) for each in recipes] == [
        ("bert", 2, 6_000), ("roberta", 2, 6_000), ("bert-wwm", 2, 6_000)
    ]  # fmt: skip
    (sample,) = (tmp_path / "whole").glob("sample-*/texts.parquet")
    kept = pd.read_parquet(sample)["text"].tolist()
    assert 7_900 < sum(len(text.encode()) for text in kept) <= 8_000
    assert len(set(kept)) == len(kept)

    told: list[str] = []

    def stop(line: str) -> None:
        told.append(line)
        if "roberta-en" in "".join(told) and "length 128, step" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain_trio(second, stop)
    again: list[str] = []
    part = pretrain_trio(second, again.append)
    assert again[0] == f"{tmp_path / 'part' / 'bert-en'} is there"
    for one, other in zip(whole, part, strict=True):
        assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    with pytest.raises(UserError, match=r"bert-en is there and was made in another way .*7000"):
        pretrain_trio(replace(second, tokens=7_000), again.append)


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_a_trio_that_is_killed_goes_on_and_ends_as_one_that_was_not(
    start_with_heads: Path, text_folder: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "zoo", "pretrain-trio", "--language", "en", "--start", str(start_with_heads)]
    command += ["--corpus", str(text_folder), "--tokens", "12000", "--threads", "1", "--output"]
    with subprocess.Popen([*command, str(tmp_path / "part")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        seen = ""
        for line in process.stdout:
            seen += line
            if "roberta-en" in seen and "step 1/" not in line and "step " in line:
                process.kill()
    assert process.returncode == -9
    assert not (tmp_path / "part" / "roberta-en").exists()
    for name in ("part", "whole"):
        done = subprocess.run([*command, str(tmp_path / name)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    for name in ("bert-en", "roberta-en", "bert-wwm-en"):
        one, other = ((tmp_path / folder / name / "model.safetensors").read_bytes() for folder in ("part", "whole"))
        assert one == other


@pytest.mark.slow
def test_two_processes_share_every_batch_and_one_of_them_writes(
    start_with_heads: Path, text_folder: Path, tmp_path: Path
) -> None:
    config = json.loads((start_with_heads / "config.json").read_text())
    without = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}  # each process would draw its own
    (start_with_heads / "config.json").write_text(json.dumps(config | without))
    command = [sys.executable, "-m", "zoo", "pretrain", "--recipe", "bert", "--language", "en", "--threads", "1"]
    command += ["--start", str(start_with_heads), "--corpus", str(text_folder), "--tokens", "20000", "--output"]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517", "ACCELERATE_USE_CPU": "true"}
    shared["ENCODER_ZOO_CACHE"] = str(tmp_path / "cache")
    alone = subprocess.run([*command, str(tmp_path / "alone")], capture_output=True, text=True)
    both = [
        subprocess.Popen(
            [*command, str(tmp_path / "o")],
            env=os.environ | shared | {"RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    first, second = (process.communicate()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert (first.count("step "), second.count("step ")) == (alone.stdout.count("step "), 0)
    one, two = (json.loads((tmp_path / name / "pretraining.json").read_text()) for name in ("alone", "o"))
    assert two["held_out"]["piece_loss"] == pytest.approx(one["held_out"]["piece_loss"], rel=0.001)
    assert two["training"]["curve"][-1][0] == one["training"]["curve"][-1][0] == 20_000
    # The weights move alike, not the same: each process takes the mean over its own masked tokens.
    begin, *ends = (
        load_file(path / "model.safetensors") for path in (start_with_heads, tmp_path / "alone", tmp_path / "o")
    )
    moved, moved_by_two = (torch.cat([(end[name] - begin[name]).flatten() for name in end]) for end in ends)
    assert (moved_by_two - moved).norm() < 0.05 * moved.norm()


@pytest.mark.campaign
def test_of_two_processes_each_tells_a_mistake_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo", "pretrain", "--recipe", "bert", "--language", "zh", "--start", "minilm-l6"]
    command += ["--corpus", str(tmp_path), "--threads", "1", "--output", str(tmp_path / "o")]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29518", "ACCELERATE_USE_CPU": "true"}
    both = [
        subprocess.Popen(
            command, env=os.environ | shared | {"RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE, text=True
        )
        for rank in ("0", "1")
    ]
    for process in both:
        assert "is an encoder for 'en'" in process.communicate()[1]
        assert process.returncode == 1


def test_mistakes_end_in_one_line(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short"
    shutil.copytree(tiny_bert, short)
    config = json.loads((short / "config.json").read_text())
    (short / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 100}))
    base = ["zoo", "pretrain", "--corpus", str(tmp_path), "--output", str(tmp_path / "o")]
    for arguments, said in (
        (["--recipe", "brt", "--language", "en", "--start", "nothing"], "Did you mean 'bert'"),
        (["--recipe", "bert", "--language", "de", "--start", "nothing"], "must be en or zh"),
        (["--recipe", "bert", "--language", "zh", "--start", "minilm-l6"], "is an encoder for 'en'"),
        (["--recipe", "roberta", "--nsp", "--language", "en", "--start", "nothing"], "no next sentence prediction"),
        (["--recipe", "bert", "--language", "en", "--start", str(short)], "reads at most 100 tokens, and the recipe's"),
    ):
        monkeypatch.setattr(sys, "argv", [*base, *arguments])
        with pytest.raises(SystemExit, match="1"):
            main()
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1

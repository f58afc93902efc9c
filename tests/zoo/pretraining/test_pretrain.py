"""Pretraining at tiny size: it learns, it goes on where it stopped, and plain transformers loads what it writes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer, BertConfig, set_seed
from transformers import BertForPreTraining as BertModel

from encoder_zoo import main
from zoo.encoders.packed import HITS
from zoo.errors import UserError
from zoo.hardware import matrix_rate
from zoo.pretraining import pretrain, trio
from zoo.pretraining.corpus import Corpus
from zoo.pretraining.held_out import evaluate
from zoo.pretraining.masked_model import MaskedLanguageModel, weights_a_token
from zoo.pretraining.objectives import PretrainRecipe, get_recipe
from zoo.pretraining.pretrain import Job, run
from zoo.pretraining.sequences import IGNORED, Special
from zoo.pretraining.train import Sequences, collate, train
from zoo.pretraining.trio import Trio, pretrain_trio

SPECIAL = Special(cls=1, sep=2, mask=3, pad=0, vocabulary=40)


@pytest.fixture(autouse=True, scope="module")
def _few_products() -> Iterator[None]:
    """Each pretraining measures what the machine multiplies; smaller matrices say it well enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrain, "matrix_rate", partial(matrix_rate, size=256))
        yield


@pytest.fixture
def corpus() -> Corpus:
    """200 documents of 4 sentences of words of two pieces: of each two words one is "5 5", one is "5 6"."""
    words = np.random.default_rng(0).permutation(np.repeat([5, 6], 200 * 8))
    pieces = np.stack([np.full(200 * 16, 5), words], axis=1).reshape(200, 32)
    tokens = np.concatenate([pieces, np.full((200, 1), SPECIAL.sep)], axis=1)
    sentences = np.concatenate([np.arange(0, 33, 8)[:4] + 33 * row for row in range(200)] + [[200 * 33]])
    starts = np.tile(np.arange(33) % 2 == 0, 200)
    return Corpus(tokens.ravel().astype(np.uint16), starts, sentences, np.arange(0, 801, 4).astype(np.int64))


def tiny() -> BertModel:
    set_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(vocab_size=40, max_position_embeddings=40, hidden_dropout_prob=0.0, **size)
    config.attention_probs_dropout_prob = 0.0
    return BertModel(config)


def recipe(name: str, **changes: object) -> PretrainRecipe:
    small = {"tokens": 6_000, "head_tokens": 1_000, "length": 32, "batch_size": 8, "learning_rate": 3e-3}
    return get_recipe(name, **small | {"freeze_embeddings": False} | changes)


def fit(
    model: BertModel,
    corpus: Corpus,
    chosen: PretrainRecipe,
    folder: Path,
    report: Callable[[str], object] = lambda line: None,
) -> tuple[tuple[int, float], ...]:
    return train(model, corpus, chosen, SPECIAL, folder, report, folder / "heads").curve


@pytest.mark.parametrize(
    "name", [pytest.param("bert", marks=pytest.mark.slow), pytest.param("roberta", marks=pytest.mark.slow), "bert-wwm"]
)
def test_training_lowers_the_loss(name: str, corpus: Corpus, tmp_path: Path) -> None:
    curve = fit(tiny(), corpus, recipe(name), tmp_path)
    losses = [loss for _, loss in curve]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3


def test_the_loss_is_that_of_transformers(corpus: Corpus) -> None:
    model, chosen = tiny().eval(), recipe("bert")
    sequences = Sequences(corpus, chosen, SPECIAL, chosen.tokens)
    batch = collate([sequences[i] for i in range(6)], SPECIAL.pad)
    with torch.inference_mode():
        ours = MaskedLanguageModel(model)(**batch)["loss"]
        theirs = model(**batch).loss
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


def test_a_batch_with_nothing_masked_has_no_loss(corpus: Corpus) -> None:
    batch = collate([Sequences(corpus, recipe("bert", nsp=False), SPECIAL, 1)[0]], SPECIAL.pad)
    batch["labels"].fill_(IGNORED)
    out = MaskedLanguageModel(tiny())(**batch)
    assert out["loss"].item() == 0
    out["loss"].backward()


@pytest.mark.slow
def test_short_sequences_go_first_and_the_curve_goes_on(corpus: Corpus, tmp_path: Path) -> None:
    model, lines, shapes = tiny(), list[str](), list[torch.Size]()
    model.bert.register_forward_pre_hook(
        lambda module, args, given: shapes.append(given["input_ids"].shape), with_kwargs=True
    )
    chosen = recipe("roberta", short_share=0.75, tokens=8_000, head_tokens=0)
    curve = fit(model, corpus, chosen, tmp_path, lines.append)
    seen = [tokens for tokens, _ in curve]
    assert seen == sorted(set(seen))
    assert 6_000 in seen, "where the lengths change"
    assert seen[-1] == 8_000
    shortest = len([line for line in lines if line.startswith("length 8, step")])
    assert len(lines) > shortest > 0
    widths = [shape[1] for shape in shapes]
    assert max(widths[:20]) == 8
    assert shapes[0][0] == 4 * chosen.batch_size
    assert max(widths[-5:]) > 24
    assert shapes[-2][0] == chosen.batch_size
    assert np.mean([loss for _, loss in curve[-5:]]) < np.mean([loss for _, loss in curve[:5]]) - 0.3


@pytest.mark.slow
def test_a_training_stopped_after_its_short_sequences_goes_on_there(corpus: Corpus, tmp_path: Path) -> None:
    chosen, lines = recipe("bert", short_share=0.75, head_tokens=0), list[str]()

    def interrupt(line: str) -> None:
        lines.append(line)
        if line.startswith("length 32"):
            raise KeyboardInterrupt

    whole, resumed = tiny(), tiny()
    curve = fit(whole, corpus, chosen, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tiny(), corpus, chosen, tmp_path / "part", interrupt)
    assert lines[0].startswith("length 8, step 1/")
    again: list[str] = []
    assert fit(resumed, corpus, chosen, tmp_path / "part", again.append) == curve
    assert {line.split(",")[0] for line in again} == {"length 32"}
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_the_smallest_budgets_have_parts_that_hold_them(corpus: Corpus, tmp_path: Path) -> None:
    for tokens in range(1, 30):
        parts = recipe("bert", short_share=0.9, tokens=tokens, head_tokens=0).parts()
        assert sum(part.tokens for part in parts) == tokens
        assert all(part.tokens > 0 for part in parts)
    for tokens in (1, 2, 4, 5):
        chosen = recipe("bert", short_share=0.9, tokens=tokens, head_tokens=0)
        assert fit(tiny(), corpus, chosen, tmp_path / str(tokens))[-1][0] == tokens


def test_short_sequences_are_not_made_too_short() -> None:
    with pytest.raises(UserError, match=r"short_share: .*a quarter of the length"):
        get_recipe("bert", length=24, short_share=0.9)


def test_a_stopped_training_ends_in_the_same_weights(corpus: Corpus, tmp_path: Path) -> None:
    chosen, lines = recipe("bert-wwm"), []

    def interrupt(line: str) -> None:
        lines.append(line)
        if "step 17/26" in line:
            raise KeyboardInterrupt

    whole, stopped, resumed = tiny(), tiny(), tiny()
    curve = fit(whole, corpus, chosen, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(stopped, corpus, chosen, SPECIAL, tmp_path / "part", interrupt, tmp_path / "part" / "heads")
    newest = max((tmp_path / "part" / "length-32").glob("checkpoint-*"), key=lambda path: path.stat().st_mtime)
    cut = newest.with_name(f"checkpoint-{int(newest.name.split('-')[1]) + 1}")
    shutil.copytree(newest, cut)
    (cut / "trainer_state.json").unlink()  # a checkpoint whose writing was cut short
    assert fit(resumed, corpus, chosen, tmp_path / "part", lines.append) == curve
    assert sum("step 18/26" in line for line in lines) == 1
    assert sum("step 10/26" in line for line in lines) == 1, "it went on from a checkpoint, not from the start"
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


@pytest.mark.slow
def test_a_training_that_only_its_end_was_cut_off_still_knows_its_hours(corpus: Corpus, tmp_path: Path) -> None:
    chosen = recipe("bert")
    first, again = (
        train(tiny(), corpus, chosen, SPECIAL, tmp_path, lambda line: None, tmp_path / "heads") for _ in range(2)
    )
    assert again == first
    assert again.seconds > 0


@pytest.mark.slow
def test_the_head_is_trained_once_for_all_recipes(corpus: Corpus, tmp_path: Path) -> None:
    heads, lines, alone, sharing = tmp_path / "heads", [], tiny(), tiny()
    train(tiny(), corpus, recipe("bert"), SPECIAL, tmp_path / "bert", lambda line: None, heads)
    curve = train(sharing, corpus, recipe("bert-wwm"), SPECIAL, tmp_path / "wwm", lines.append, heads).curve
    assert fit(alone, corpus, recipe("bert-wwm"), tmp_path / "alone") == curve
    for name, tensor in alone.state_dict().items():
        assert torch.equal(tensor, sharing.state_dict()[name]), name
    assert sum("step 1/" in line for line in lines) == 1
    with pytest.raises(KeyboardInterrupt):  # another budget of the head is another head
        train(tiny(), corpus, recipe("bert", head_tokens=500), SPECIAL, tmp_path / "other", _stop, heads)
    assert len(list(heads.iterdir())) == 1


def _stop(line: str) -> None:
    raise KeyboardInterrupt


def test_the_head_is_trained_on_other_masks(corpus: Corpus) -> None:
    chosen = recipe("roberta")
    head, whole = (Sequences(corpus, chosen, SPECIAL, chosen.tokens, part) for part in (0, 1))
    assert any((head[item].labels != whole[item].labels).any() for item in range(5))


def test_static_masks_come_back_and_dynamic_ones_do_not(corpus: Corpus) -> None:
    chosen = recipe("bert", copies=1, tokens=20_000)
    static = Sequences(corpus, chosen, SPECIAL, chosen.tokens)
    dynamic = Sequences(corpus, chosen.model_copy(update={"dynamic": True}), SPECIAL, chosen.tokens)
    for sequences, same in ((static, True), (dynamic, False)):
        visits = [
            sorted(tuple(sequences[visit * len(sequences.spans) + item].labels) for item in range(len(sequences.spans)))
            for visit in range(2)
        ]
        assert (visits[0] == visits[1]) is same


def test_the_budget_is_the_same_for_all_recipes(corpus: Corpus) -> None:
    for name in ("bert", "roberta", "bert-wwm"):
        sequences = Sequences(corpus, recipe(name), SPECIAL, 6_000)
        seen = sum(len(sequences[item].input_ids) for item in range(len(sequences)))
        assert 5_500 <= seen <= 6_100


def test_the_smallest_budget_is_one_sequence(corpus: Corpus) -> None:
    assert len(Sequences(corpus, recipe("bert"), SPECIAL, 1)) == 1


def test_weights_a_token_by_hand() -> None:
    """Of one layer and the head for masked tokens; the pooler and the embeddings are not multiplied at each token."""
    attention, dense, norms = 4 * (32 * 32 + 32), 2 * 32 * 64 + 64 + 32, 4 * 32
    head = 32 * 32 + 32 + 2 * 32 + 40 * 32 + 40
    assert weights_a_token(tiny(), 0.15) == pytest.approx(attention + dense + norms + 0.15 * head)


def test_what_is_held_out_is_counted_by_piece_and_by_word(corpus: Corpus) -> None:
    """A model that always says 5 is right on three of four pieces, and on one of two words."""
    model = tiny()
    with torch.no_grad():
        model.cls.predictions.bias[5] = 100.0
    found, hits = evaluate(model, corpus, recipe("bert-wwm"), SPECIAL, 6_000)
    assert found.piece_accuracy == pytest.approx(0.75, abs=0.04)
    assert found.word_piece_accuracy == pytest.approx(0.75, abs=0.04)
    assert found.word_accuracy == pytest.approx(0.5, abs=0.06)
    assert found.longer_word_accuracy == found.word_accuracy
    assert found.word_accuracy == hits.right.mean()
    assert set(hits.pieces) == {2}
    assert (np.diff(hits.sequence) >= 0).all()
    assert found.masked_words == found.masked_longer_words == pytest.approx(0.15 * 6_000 / 2, rel=0.1)


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

"""Training on masked tokens at tiny size: it learns, and it goes on where it stopped."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, set_seed
from transformers import BertForPreTraining as BertModel

from zoo.errors import UserError
from zoo.pretraining.corpus import Corpus
from zoo.pretraining.held_out import evaluate
from zoo.pretraining.masked_model import MaskedLanguageModel, weights_a_token
from zoo.pretraining.objectives import PretrainRecipe, get_recipe
from zoo.pretraining.sequences import IGNORED, Special
from zoo.pretraining.train import Sequences, collate, train

SPECIAL = Special(cls=1, sep=2, mask=3, pad=0, vocabulary=40)


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

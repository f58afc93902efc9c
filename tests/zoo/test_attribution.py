"""Attributions: against an integral of our own, a model worked by hand, and the axioms that they are chosen for."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, logit
from transformers import AutoTokenizer, CanineTokenizer, PreTrainedTokenizerBase

from tests.checkpoints import MULTI, SINGLE, TINY_MODELS, toy_info
from zoo import attribution
from zoo.attribution import Attribution, attribute
from zoo.checkpoints.loading import new_model
from zoo.classifier import Classifier
from zoo.decision import Decision, ProblemType
from zoo.errors import UserError

TEXT = "The parcel arrived late, and it was very bad!"
KINDS = pytest.mark.parametrize("kind", ["tiny_bert", "tiny_roberta"])


def _classifier(model: torch.nn.Module, tokenizer: object, problem_type: ProblemType, labels: int = 3) -> Classifier:
    names = ("a", "b", "c")[:labels]
    info = toy_info(problem_type=problem_type, labels=names)
    decision = Decision(problem_type=problem_type, rule="fixed", temperature=1.7, thresholds=(0.5,) * labels)
    return Classifier(info, decision, model.eval(), tokenizer)  # type: ignore[arg-type]


def _tiny(folder: Path, problem_type: ProblemType = MULTI, labels: int = 3) -> Classifier:
    """The encoder in `folder` with a head whose logits differ from text to text by whole units."""
    torch.manual_seed(1)
    model = new_model(folder, problem_type, ("a", "b", "c")[:labels])
    last = model.classifier if hasattr(model.classifier, "weight") else model.classifier.out_proj
    torch.nn.init.normal_(last.weight, std=1.5)
    return _classifier(model, AutoTokenizer.from_pretrained(folder), problem_type, labels)


@pytest.fixture
def tiny(kind: str, problem_type: ProblemType, request: pytest.FixtureRequest) -> Classifier:
    return _tiny(request.getfixturevalue(kind), problem_type)


class Bag(torch.nn.Module):
    """A model that can be worked by hand: each logit is the sum of its tokens' values, and the last one is 0."""

    device = torch.device("cpu")

    def __init__(self, tokenizer: PreTrainedTokenizerBase, values: dict[str, float]) -> None:
        super().__init__()
        self.values = torch.nn.Embedding(len(tokenizer), 1)
        torch.nn.init.zeros_(self.values.weight)
        for token, value in values.items():
            self.values.weight.data[tokenizer.convert_tokens_to_ids(token)] = value

    def get_input_embeddings(self) -> torch.nn.Embedding:
        return self.values

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        total = self.values(input_ids).sum(1)
        return SimpleNamespace(logits=torch.cat([total, 0 * total], 1))


def _bag(folder: Path, problem_type: ProblemType = MULTI, **values: float) -> Classifier:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    named = {{"mask": "[MASK]", "cls": "[CLS]"}.get(word, word): value for word, value in values.items()}
    return _classifier(Bag(tokenizer, named), tokenizer, problem_type, 2)


def _scores(found: Attribution) -> list[float]:
    return [token.score for token in found.tokens]


def _words(text: str, found: Attribution) -> list[str]:
    return [text[word.start : word.end] for word in found.words]


def _reference(classifier: Classifier, text: str, label: int, steps: int) -> tuple[np.ndarray, float]:
    """Integrated gradients by the textbook: a loop over the path, through `inputs_embeds`; special tokens included."""
    tokenizer, model = classifier.tokenizer, classifier.model
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    baseline = torch.full_like(ids, tokenizer.mask_token_id)
    baseline[0, 0], baseline[0, -1] = ids[0, 0], ids[0, -1]
    start, end = (model.get_input_embeddings()(each).detach() for each in (baseline, ids))

    def log_odds(point: torch.Tensor) -> torch.Tensor:
        row = model(inputs_embeds=point).logits[0]
        odds = torch.sigmoid(row) if classifier.info.problem_type == MULTI else torch.softmax(row, 0)
        return torch.logit(odds.double()[label])

    total = torch.zeros_like(start)
    for step in range(steps):
        point = (start + (step + 0.5) / steps * (end - start)).requires_grad_()
        total += torch.autograd.grad(log_odds(point), point)[0]
    with torch.no_grad():
        gain = float(log_odds(end) - log_odds(start))
    return ((end - start) * total / steps).sum(-1)[0].numpy(), gain


@TINY_MODELS
def test_the_scores_are_those_of_a_plain_integral_and_add_up_to_the_gain(tiny: Classifier) -> None:
    for label in range(3):
        found = attribute(tiny, TEXT, label)
        expected, gain = _reference(tiny, TEXT, label, found.steps)
        np.testing.assert_allclose(_scores(found), expected[1:-1], atol=2e-4)
        np.testing.assert_array_equal(expected[[0, -1]], 0)
        assert found.gain == pytest.approx(gain, abs=1e-4)
        assert sum(_scores(found)) == pytest.approx(found.gain + found.delta)
        assert abs(found.delta) <= max(0.05 * abs(gain), 0.01)
        assert found.score == pytest.approx(tiny.predict_scores([TEXT])[0, label], rel=1e-5)


@KINDS
def test_with_more_steps_the_scores_add_up_to_any_precision(kind: str, request: pytest.FixtureRequest) -> None:
    found = attribute(_tiny(request.getfixturevalue(kind), SINGLE), TEXT, 1, steps=256)
    assert found.steps == 256
    assert abs(found.delta) < 1e-3 * abs(found.gain)


def test_steps_are_doubled_until_the_scores_add_up(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = _tiny(tiny_bert)
    with torch.no_grad():
        classifier.model.classifier.weight *= 20
        classifier.model.bert.pooler.dense.weight *= 20
    found = attribute(classifier, TEXT, 0, steps=2)
    assert found.steps in {4, 8, 16, 32, 64, 128, 256}
    assert abs(found.delta) <= 0.05 * abs(found.gain)
    monkeypatch.setattr(attribution, "MOST_STEPS", 2)
    assert attribute(classifier, TEXT, 0, steps=2).steps == 2


def test_steps_taken_in_several_passes_give_the_same(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = _tiny(tiny_bert)
    together = attribute(classifier, TEXT, 0)
    monkeypatch.setattr(attribution, "TOKENS_A_PASS", 50)
    np.testing.assert_allclose(_scores(attribute(classifier, TEXT, 0)), _scores(together), atol=1e-5)


def test_a_sum_of_values_is_shared_out_by_them(tiny_bert: Path) -> None:
    found = attribute(_bag(tiny_bert, good=2, bad=-1.5, mask=0.5, cls=7), "Good the bad", 0, steps=2)
    assert _scores(found) == pytest.approx([1.5, -0.5, -2.0])
    assert (found.gain, found.steps) == (pytest.approx(-1.0), 2)
    assert found.delta == pytest.approx(0, abs=1e-6)
    assert found.score == pytest.approx(expit((7 + 2 - 1.5) / 1.7))
    assert found.baseline_score == pytest.approx(expit((7 + 1.5) / 1.7))
    assert (found.label, found.unread) == ("a", 0)
    assert found.seconds > 0


def test_comprehensiveness_is_the_mean_drop_without_a_tenth_a_fifth_and_half(tiny_bert: Path) -> None:
    found = attribute(_bag(tiny_bert, good=2, the=1, bad=-1.5), "bad the good", 0)
    whole = expit(1.5 / 1.7)
    without_good, without_both = expit(-0.5 / 1.7), expit(-1.5 / 1.7)
    assert found.comprehensiveness == pytest.approx(whole - (2 * without_good + without_both) / 3)
    assert found.random_comprehensiveness < found.comprehensiveness


def test_random_comprehensiveness_is_the_share_of_draws_that_hit_the_one_word_that_counts(tiny_bert: Path) -> None:
    found = attribute(_bag(tiny_bert, good=2), "the " * 13 + "good" + " the" * 6, 0)
    drop = expit(2 / 1.7) - 0.5
    assert found.comprehensiveness == pytest.approx(drop)
    hits = found.random_comprehensiveness / drop * 30
    assert hits == pytest.approx(round(hits), abs=1e-4)
    assert 0 < hits < 15  # 8 are to be expected


def test_of_equal_tokens_random_ones_are_as_good_as_the_first(tiny_bert: Path) -> None:
    found = attribute(_bag(tiny_bert, good=0.5), "good good good good", 0)
    assert found.random_comprehensiveness == pytest.approx(found.comprehensiveness)
    assert found.comprehensiveness == pytest.approx(expit(2 / 1.7) - (2 * expit(1.5 / 1.7) + expit(1 / 1.7)) / 3)


def test_of_two_classes_one_is_the_other_with_opposite_signs(tiny_roberta: Path) -> None:
    classifier = _tiny(tiny_roberta, SINGLE, 2)
    first, second = (attribute(classifier, TEXT, label) for label in (0, 1))
    np.testing.assert_allclose(_scores(first), -np.array(_scores(second)), atol=1e-5)
    logits = classifier.predict_logits([TEXT])[0]
    assert logit(first.score) * 1.7 == pytest.approx(logits[0] - logits[1], abs=1e-4)


def test_what_is_added_to_every_logit_of_a_softmax_changes_nothing(tiny_bert: Path) -> None:
    classifier = _tiny(tiny_bert, SINGLE)
    before = attribute(classifier, TEXT, 2)
    classifier.model.classifier.bias.data += 5
    np.testing.assert_allclose(_scores(attribute(classifier, TEXT, 2)), _scores(before), atol=1e-4)


def test_the_temperature_moves_the_score_and_no_attribution(tiny_bert: Path) -> None:
    classifier = _tiny(tiny_bert, SINGLE)
    hot = replace(classifier, decision=classifier.decision.model_copy(update={"temperature": 9.0}))
    found, cooled = attribute(classifier, TEXT, 0), attribute(hot, TEXT, 0)
    assert _scores(found) == _scores(cooled)
    raw = classifier.predict_logits([TEXT])
    assert cooled.score == pytest.approx(np.exp(log_softmax(raw[0].astype(float) / 9))[0], rel=1e-5)


def test_equal_tokens_get_equal_scores_where_places_do_not_count(tiny_bert: Path) -> None:
    classifier = _tiny(tiny_bert)
    classifier.model.bert.embeddings.position_embeddings.weight.data[:] = 0
    first, _, second, _ = _scores(attribute(classifier, "good bad good late", 0))
    assert first == pytest.approx(second, abs=1e-5)
    assert first != pytest.approx(0, abs=1e-3)


@KINDS
def test_positions_stay_those_of_the_text_with_a_baseline_of_padding(kind: str, request: pytest.FixtureRequest) -> None:
    classifier = _tiny(request.getfixturevalue(kind))
    classifier.tokenizer.mask_token = None
    base = classifier.model.base_model.embeddings
    seen: list[torch.Tensor] = []
    base.position_embeddings.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    looked_up: list[torch.Tensor] = []
    base.word_embeddings.register_forward_hook(lambda module, inputs, output: looked_up.append(inputs[0]))
    classifier.predict_logits([TEXT])
    expected = seen.pop()
    looked_up.clear()
    found = attribute(classifier, TEXT, 0, steps=64)
    assert sum(map(len, seen)) > 3
    assert all((positions == expected).all() for positions in seen)
    padding = classifier.tokenizer.pad_token_id
    assert any((ids[:, 1:-1] == padding).all() for ids in looked_up)
    assert all((ids[:, [0, -1]] != padding).all() for ids in looked_up)
    assert abs(found.delta) <= max(0.05 * abs(found.gain), 0.01)


def test_words_of_a_bert_are_those_of_the_text(tiny_bert: Path) -> None:
    text = "  The  parcel's,\n\n 漢字 🦓 lateé [MASK] "
    found = attribute(_tiny(tiny_bert), text, 0)
    assert _words(text, found) == ["The", "parcel", "'", "s", ",", "漢", "字", "🦓", "lateé", "[MASK]"]
    assert len(found.tokens) > len(found.words)
    assert found.words[-1].score == 0


def test_words_of_a_byte_level_roberta_are_those_of_the_text(tiny_roberta: Path) -> None:
    text = "The  parcel, 漢字 🦓 laté"
    found = attribute(_tiny(tiny_roberta), text, 0)
    assert [word for word in _words(text, found) if word] == ["The", "parcel", ",", "漢字", "🦓", "laté"]
    zebra = [token for token in found.tokens if text[token.start : token.end] == "🦓"]
    assert len(zebra) == 4 or len(zebra) == 5  # bytes, and perhaps the space before them


@KINDS
def test_a_word_has_the_sum_of_its_pieces(kind: str, request: pytest.FixtureRequest) -> None:
    found = attribute(_tiny(request.getfixturevalue(kind)), "good zebra crossing 漢字 good", 0)
    assert len(found.words) < len(found.tokens)
    assert sum(word.score for word in found.words) == pytest.approx(sum(_scores(found)))
    start, end = 5, 10
    pieces = [token.score for token in found.tokens if start <= token.start and token.end <= end]
    assert len(pieces) > 1
    (word,) = [word for word in found.words if (word.start, word.end) == (start, end)]
    assert word.score == pytest.approx(sum(pieces))


def test_a_long_text_is_cut_and_told(tiny_bert: Path) -> None:
    found = attribute(_tiny(tiny_bert), "good " * 100, 0)
    assert (len(found.tokens), found.unread) == (46, 54)
    assert found.tokens[-1].end == 46 * 5 - 1


def test_it_is_the_same_every_time_and_leaves_the_model_as_it_was(tiny_roberta: Path) -> None:
    classifier = _tiny(tiny_roberta)
    before = classifier.predict_logits([TEXT])
    first, second = (replace(attribute(classifier, TEXT, 0), seconds=0.0) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(classifier.predict_logits([TEXT]), before)
    assert all(parameter.grad is None for parameter in classifier.model.parameters())


@pytest.mark.parametrize("label", [-1, 3])
def test_an_unknown_label_is_refused(label: int, tiny_bert: Path) -> None:
    with pytest.raises(UserError, match=f"no label {label}"):
        attribute(_tiny(tiny_bert), TEXT, label)


@pytest.mark.parametrize("text", ["", " \n", "\u200b\x01"])
def test_a_text_without_tokens_is_refused(text: str, tiny_bert: Path) -> None:
    with pytest.raises(UserError, match="no token"):
        attribute(_tiny(tiny_bert), text, 0)


def test_damaged_weights_are_refused(tiny_bert: Path) -> None:
    classifier = _tiny(tiny_bert)
    classifier.model.classifier.bias.data[0] = float("nan")
    with pytest.raises(UserError, match="not numbers"):
        attribute(classifier, TEXT, 0)


@pytest.mark.slow
def test_a_tokenizer_that_does_not_tell_places_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(UserError, match="does not say where"):
        attribute(replace(_tiny(tiny_bert), tokenizer=CanineTokenizer()), TEXT, 0)

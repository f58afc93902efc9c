"""Which tokens of a text speak for a label: integrated gradients, and a check on whether they mean something.

Integrated gradients (Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks") start at a baseline,
the text with every token masked, and end at the text. They share out among the tokens what the label gains on the way.
Only the word embeddings change on the way. Positions, token types and attention stay those of the text. This holds for
RoBERTa, too, which counts its positions from the token ids and would lose count at a padding token.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from time import perf_counter

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor
from torch.nn import Module
from transformers import BatchEncoding, PreTrainedModel

from zoo.classifier import Classifier
from zoo.decision import ProblemType
from zoo.errors import UserError
from zoo.onnx_classifier import OnnxClassifier
from zoo.serving import AnyClassifier
from zoo.tfidf import TfidfClassifier

STEPS, MOST_STEPS = 32, 256
RULE = "riemann_middle"  # over 9 texts within 1.1 % at 32 steps, captum's own Gauss-Legendre rule 2.4 %
TOLERANCE = 0.05  # of what is shared out
NEAR_NOTHING = 0.01  # log-odds: less is no error worth more steps
FRACTIONS = (0.1, 0.2, 0.5)
DRAWS = 10
TOKENS_A_PASS = 4096  # bounds the memory, whatever the text's length


@dataclass(frozen=True)
class Span:
    """The characters `start` to `end` of a text and what they add to a label's log-odds: above 0, they speak for it.

    Several tokens that make up one character all have its span. A token of spaces alone can have an empty span.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Attribution:
    """What each token of a text, and each word, adds to the log-odds of one label.

    Attributes:
        label: its name.
        tokens: the tokens that were read, in order, without special tokens. The baseline keeps the special tokens as
            they are, so the text's own tokens share the whole gain.
        words: the tokens summed to the tokenizer's words. For a BERT, each Chinese character is a word.
        score: the label's calibrated score for the text, in [0, 1].
        baseline_score: its score with every token masked.
        gain: the label's log-odds for the text minus those for the baseline.
        delta: the tokens' sum minus `gain`; it goes to 0 as the number of steps grows.
        steps: the number of steps of the integral.
        comprehensiveness: how much `score` drops when the tokens that speak most for the label are masked; the mean
            over FRACTIONS of the tokens (DeYoung et al. 2020, "ERASER").
        random_comprehensiveness: how much it drops when as many random tokens are masked; the mean of DRAWS draws.
            Attributions that are no better than random ones say little.
        unread: how many tokens were cut at the model's limit.
        seconds: how long it all took.
    """

    label: str
    tokens: tuple[Span, ...]
    words: tuple[Span, ...]
    score: float
    baseline_score: float
    gain: float
    delta: float
    steps: int
    comprehensiveness: float
    random_comprehensiveness: float
    unread: int
    seconds: float


def attribute(classifier: AnyClassifier, text: str, label_index: int, steps: int = STEPS) -> Attribution:
    """Return what each token of `text` adds to the log-odds of a label.

    With sigmoid scores, a label's log-odds are its logit. With softmax scores, they are logit_i - logsumexp(the other
    logits). The logit alone explains nothing there, because a value added to every logit changes no score. So two
    classes get the same attributions with opposite signs. Attributions are computed before the temperature, which
    scales all of them and changes no sign.

    Args:
        classifier: as `Classifier.load` returns it, not used by another thread meanwhile.
        text: the text; tokens past the model's limit are cut.
        label_index: into `classifier.info.labels`.
        steps: the number to start with. It is doubled, up to MOST_STEPS, while `delta` is above TOLERANCE of the gain.

    Raises:
        UserError: there is no such label, the text has no token or is too long to be read in one piece, the tokenizer
            tells no positions, or the weights are damaged.
    """
    started = perf_counter()
    if isinstance(classifier, TfidfClassifier):
        raise UserError("This model is linear: what a term adds is its coefficient times its TF-IDF value")
    if isinstance(classifier, OnnxClassifier):
        raise UserError("This model is an export without gradients; use the checkpoint that it was made of")
    info, model = classifier.info, classifier.model
    if not 0 <= label_index < len(info.labels):
        raise UserError(f"There is no label {label_index}; this model has {len(info.labels)} labels, counted from 0")
    if info.long_text != "truncate" and classifier.count_tokens(text) > info.max_length:
        raise UserError(
            f"This model reads long texts by '{info.long_text}', and attributions exist for texts of up to "
            f"{info.max_length} tokens only; shorten this text"
        )
    encoding = _encode(classifier, text)
    places = np.flatnonzero(np.array(encoding["special_tokens_mask"]) == 0)
    if not places.size:
        raise UserError("The model finds no token in this text; write some words")
    own = torch.tensor([encoding["input_ids"]], device=model.device)
    masked = _mask(classifier, own, places)

    def score(ids: Tensor) -> np.ndarray:
        with torch.inference_mode():
            passes = ids.split(max(1, TOKENS_A_PASS // ids.shape[1]))
            logits = torch.cat([_logits(model, own, part) for part in passes])
        return classifier.decision.scores(logits.cpu().numpy())[:, label_index]

    def log_odds(ids: Tensor) -> Tensor:
        return _log_odds(_logits(model, own, ids), label_index, info.problem_type)

    scores, gain, steps = _integrate(log_odds, model.get_input_embeddings(), own, masked, steps)
    scores = scores[places]
    found, baseline = score(torch.cat([own, masked]))
    drop, random_drop = _comprehensiveness(score, own, masked, places[np.argsort(-scores, kind="stable")])
    spans, words = encoding["offset_mapping"], encoding.word_ids()
    spans, words = [spans[place] for place in places], [words[place] for place in places]
    return Attribution(
        label=info.labels[label_index],
        tokens=_sum_spans(range(len(places)), spans, scores),
        words=_sum_spans(words, spans, scores),
        score=float(found),
        baseline_score=float(baseline),
        gain=gain,
        delta=float(scores.sum()) - gain,
        steps=steps,
        comprehensiveness=drop,
        random_comprehensiveness=random_drop,
        unread=classifier.count_tokens(text) - own.shape[1],
        seconds=perf_counter() - started,
    )


def _encode(classifier: Classifier, text: str) -> BatchEncoding:
    if not classifier.tokenizer.is_fast:
        raise UserError(
            f"The tokenizer of {classifier.info.encoder} does not say where its tokens are in a text; use another model"
        )
    return classifier.tokenizer(
        text,
        truncation=True,
        max_length=classifier.info.max_length,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )


def _mask(classifier: Classifier, own: Tensor, places: np.ndarray) -> Tensor:
    """Return the token ids `own`, shape (1, n), with every token at `places` masked (padded, without a mask token)."""
    tokenizer = classifier.tokenizer
    masked = own.clone()
    masked[0, places] = tokenizer.pad_token_id if tokenizer.mask_token_id is None else tokenizer.mask_token_id
    return masked


def _logits(model: PreTrainedModel, own: Tensor, ids: Tensor) -> Tensor:
    """Return logits, shape (n, num_labels), for token ids (n, length) in place of the text's `own` ids (1, length).

    The model gets the text's own ids and computes positions and all else from them. Just before the word embeddings
    are looked up, `ids` take their place.
    """
    own = own.expand(len(ids), -1)
    handle = model.get_input_embeddings().register_forward_pre_hook(lambda module, inputs: (ids,))
    try:
        return model(input_ids=own, attention_mask=torch.ones_like(own)).logits.float()
    finally:
        handle.remove()


def _log_odds(logits: Tensor, label: int, problem_type: ProblemType) -> Tensor:
    """Return the label's log-odds, shape (n,), for logits of shape (n, num_labels)."""
    if problem_type == "multi_label_classification":
        return logits[:, label]
    others = torch.arange(logits.shape[1]) != label
    return logits[:, label] - logits[:, others].logsumexp(1)


def _integrate(
    log_odds: Callable[[Tensor], Tensor], embeddings: Module, own: Tensor, masked: Tensor, steps: int
) -> tuple[np.ndarray, float, int]:
    """Return the integrated gradients, summed to shape (length,), the gain that they should sum to, and the steps."""
    with torch.inference_mode():
        after, before = log_odds(torch.cat([own, masked])).tolist()
    gain = after - before
    if not np.isfinite(gain):
        raise UserError("The model's scores are not numbers, so its weights are damaged; copy or train it again")
    gradients = LayerIntegratedGradients(log_odds, embeddings)
    rows = max(1, TOKENS_A_PASS // own.shape[1])
    while True:
        found = gradients.attribute(own, masked, n_steps=steps, method=RULE, internal_batch_size=rows)
        scores = found.detach().sum(-1)[0].cpu().double().numpy()
        if abs(scores.sum() - gain) <= max(TOLERANCE * abs(gain), NEAR_NOTHING) or 2 * steps > MOST_STEPS:
            return scores, gain, steps
        steps *= 2


def _comprehensiveness(
    score: Callable[[Tensor], np.ndarray], own: Tensor, masked: Tensor, ranking: np.ndarray
) -> tuple[float, float]:
    """Return how much the score drops on average without the first tokens of `ranking`, and without random tokens."""
    rng = np.random.default_rng(0)
    orders = [ranking, *(rng.permutation(ranking) for _ in range(DRAWS))]
    rows = own.repeat(1 + len(orders) * len(FRACTIONS), 1)
    for row, (order, fraction) in enumerate(product(orders, FRACTIONS), start=1):
        gone = order[: max(1, round(fraction * len(order)))]
        rows[row, gone] = masked[0, gone]
    whole, *parts = score(rows)
    drops = (whole - np.array(parts)).reshape(len(orders), len(FRACTIONS)).mean(axis=1)
    return float(drops[0]), float(drops[1:].mean())


def _sum_spans(groups: Iterable[int | None], spans: Sequence[tuple[int, int]], scores: np.ndarray) -> tuple[Span, ...]:
    """Return one Span for every run of equal `groups`, from its first character to its last, scores summed."""
    summed = []
    for _, run in groupby(zip(groups, spans, scores, strict=True), key=lambda token: token[0]):
        _, places, values = zip(*run, strict=True)
        starts, ends = zip(*places, strict=True)
        summed.append(Span(min(starts), max(ends), float(sum(values))))
    return tuple(summed)

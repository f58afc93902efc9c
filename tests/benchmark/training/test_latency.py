"""Latency: every length is timed on texts that reach it, and a slower model is measured as slower."""

import time

import pytest

from benchmark.training import latency
from benchmark.training.latency import BATCH_SIZE, LENGTHS, measure_latency


@pytest.mark.parametrize("texts", [["short"], ["a somewhat longer text of the test rows"] * 500, ["x" * 9000]])
def test_every_length_is_reached_whatever_the_texts(texts: list[str]) -> None:
    seen: list[tuple[int, int, int]] = []
    found = measure_latency(lambda batch, length: seen.append((length, len(batch), len(batch[0]))), texts)
    assert tuple(entry.length for entry in found) == LENGTHS
    assert {(length, rows) for length, rows, _ in seen} == {(n, rows) for n in LENGTHS for rows in (1, BATCH_SIZE)}
    assert all(characters == 16 * length for length, _, characters in seen)


@pytest.mark.alone
def test_what_is_measured_is_the_time_that_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "SINGLES", 40)  # as outside the tests, so that other work here makes no difference
    monkeypatch.setattr(latency, "BATCHES", 3)
    found = measure_latency(lambda batch, length: time.sleep(length / 16e3 + (len(batch) > 1) * 0.004), ["text"])
    assert [entry.p50_ms for entry in found] == pytest.approx([1, 4, 8], rel=0.5)
    assert all(entry.p50_ms <= entry.p95_ms for entry in found)
    assert found[0].texts_per_second == pytest.approx(BATCH_SIZE / 0.005, rel=0.5)


def test_a_length_that_cannot_be_measured_is_left_out_and_told() -> None:
    """The model is trained by then: neither its limit nor too little memory may lose its run."""
    told: list[str] = []
    found = measure_latency(lambda batch, length: None, ["text"], 64, told.append)
    assert [entry.length for entry in found] == [16, 64]
    assert told == ["the latency at 128 tokens is not measured: the model reads 64 at most"]

    def full(batch: list[str], length: int) -> None:
        if len(batch) * length > 2048:
            raise RuntimeError("out of memory\nTried to allocate 1 TiB")

    found = measure_latency(full, ["text"], None, told.append)
    assert [entry.length for entry in found] == [16, 64]
    assert told[1:] == ["the latency at 128 tokens is not measured: out of memory"]


@pytest.mark.alone
def test_a_slow_model_is_timed_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text takes 10 ms, and 40 ms are set aside for each kind of call: four single texts, one batch."""
    monkeypatch.setattr(latency, "SINGLES", 40)
    monkeypatch.setattr(latency, "BATCHES", 3)
    monkeypatch.setattr(latency, "LEAST", 2)
    monkeypatch.setattr(latency, "SECONDS", 0.04)
    calls: list[int] = []

    def slow(batch: list[str], length: int) -> None:
        calls.append(len(batch))
        time.sleep(0.010 * min(len(batch), 5))

    assert len(measure_latency(slow, ["text"])) == len(LENGTHS)
    assert calls.count(BATCH_SIZE) == len(LENGTHS)
    assert 2 * len(LENGTHS) < calls.count(1) <= 5 * len(LENGTHS)

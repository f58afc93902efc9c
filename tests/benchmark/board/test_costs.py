"""What an entry's runs took: the median over their seeds, of latency the fastest."""

from pathlib import Path

from benchmark.board.costs import costs, costs_by_length
from benchmark.board.entries import Entry, find_runs, make_entries
from benchmark.tasks.registry import TASKS
from tests.benchmark.conftest import WriteRun


def latency(length: int, p50_ms: float) -> dict[str, float]:
    return {"length": length, "p50_ms": p50_ms, "p95_ms": 2 * p50_ms, "texts_per_second": 1000 / p50_ms}


def only_entry(results: Path) -> Entry:
    (entry,) = make_entries(find_runs(results)[0], TASKS)
    return entry


def test_costs_are_medians_and_latency_the_fastest_seeds_at_the_boards_length(write_synthetic: WriteRun) -> None:
    write_synthetic(seed=0, train_seconds=10.0, latency=(latency(16, 1.0), latency(64, 4.0)))
    folder = write_synthetic(seed=1, train_seconds=13.0, latency=(latency(16, 2.0), latency(64, 5.0)))
    found = costs(only_entry(folder.parents[2]))
    assert (found["train_seconds"], found["p50_ms"], found["p95_ms"]) == (11.5, 4.0, 8.0)
    assert found["texts_per_second"] == 250.0


def test_one_seed_on_a_slow_machine_does_not_move_the_costs(write_synthetic: WriteRun) -> None:
    for seed, (train_seconds, p50_ms) in enumerate([(10.0, 4.0), (11.0, 5.0), (90.0, 50.0)]):
        folder = write_synthetic(seed=seed, train_seconds=train_seconds, latency=(latency(64, p50_ms),))
    entry = only_entry(folder.parents[2])
    found, (by_length,) = costs(entry), costs_by_length(entry).to_dict("records")
    assert (found["train_seconds"], found["p50_ms"]) == (11.0, 4.0)
    assert (by_length["train_seconds"], by_length["p50_ms"]) == (11.0, 4.0)


def test_every_length_has_its_row_and_the_machines_are_named(write_synthetic: WriteRun) -> None:
    both = (latency(16, 1.0), latency(64, 4.0))
    write_synthetic(seed=0, latency=both, hardware={"processor": "one", "threads": 1})
    folder = write_synthetic(seed=1, latency=both, hardware={"processor": "another", "threads": 1})
    table = costs_by_length(only_entry(folder.parents[2]))
    assert table["length"].tolist() == [16, 64]
    assert table["p50_ms"].tolist() == [1.0, 4.0]
    assert set(table["processor"]) == {"another, one"}
    assert set(table["threads"]) == {"1"}

"""Which encoder to take, worked by hand on small matrices."""

from dataclasses import replace

import pytest

from benchmark.board.build import build
from benchmark.board.choice import answer_of, which
from benchmark.board.matrix import Matrix, Row, Score, legend, matrices, table_of
from benchmark.tasks.registry import TASKS
from tests.benchmark.conftest import WriteRun
from zoo.errors import UserError

FEEDBACK, SST2 = TASKS["feedback"], TASKS["sst2"]


def _row(encoder: str, ms: float, parameters: float, **scores: tuple[float, bool]) -> Row:
    found = {task: Score(*score) for task, score in scores.items()}
    return Row(encoder, False, found, dict.fromkeys({"feedback", "sst2"} - set(found)), parameters, ms, None)


def _matrix(*rows: Row) -> Matrix:
    return Matrix("en", [FEEDBACK, SST2], list(rows), FEEDBACK, ["one"])


LARGE = _row("large", 40.0, 300, feedback=(0.80, True), sst2=(0.93, True))
MIDDLE = _row("middle", 10.0, 100, feedback=(0.79, True), sst2=(0.90, False))
SMALL = _row("small", 2.0, 20, feedback=(0.70, False), sst2=(0.88, False))


def test_the_one_in_the_best_group_of_most_tasks_is_taken() -> None:
    found = which(_matrix(SMALL, MIDDLE, LARGE))
    assert (found.best.encoder, found.smallest.encoder) == ("large", "small")
    best = "it is in the best group on both tasks where it is ranked, and it answers a text in 40.0 ms"
    alone = "No other encoder is in the best group on as many tasks."
    assert found.take == f"For English, take large: {best}. {alone}"
    small = "The smallest is small: 20.0 M parameters, 2.0 ms a text."
    assert found.cost == f"{small} It scores lower than large on feedback (by 10.0 points) and sst2 (by 5.0 points)."


def test_a_limit_on_the_time_leaves_the_slow_ones_out() -> None:
    middle = which(_matrix(SMALL, MIDDLE, LARGE), max_ms=30)
    assert middle.take.startswith("For English and at most 30 ms a text, take middle: ")
    assert middle.take.endswith("No other encoder within this limit is in the best group on as many tasks.")
    alone = which(_matrix(SMALL, MIDDLE, LARGE), max_ms=5)
    assert (alone.best.encoder, alone.cost) == ("small", "No ranked encoder is smaller.")
    with pytest.raises(UserError, match=r"takes 1 ms or less for a text; the fastest, small, takes 2\.0 ms"):
        which(_matrix(SMALL, MIDDLE, LARGE), max_ms=1)


def test_equals_are_told_apart_by_their_ranks_on_shared_tasks_and_then_by_time() -> None:
    other = replace(MIDDLE, encoder="other", scores={"feedback": Score(0.81, True)})
    ranked = which(_matrix(MIDDLE, other))
    assert ranked.best.encoder == "other"
    one = "1 other encoder is in the best group on as many tasks"
    assert ranked.take.endswith(f"{one}; other has the best mean rank of them, which can be chance.")
    same = replace(MIDDLE, encoder="same", ms=9.0)
    fast = which(_matrix(MIDDLE, same))
    assert (fast.best.encoder, fast.others, fast.tied) == ("same", 1, MIDDLE)
    assert fast.take.endswith(f"{one}; middle has the same mean rank and takes 10.0 ms.")


def test_a_smaller_one_can_score_higher_or_share_no_task() -> None:
    lucky = replace(SMALL, scores={"feedback": Score(0.70, False), "sst2": Score(0.94, False)})
    both = "It scores lower than large on feedback (by 10.0 points), and higher on sst2 (by 1.0 points)."
    assert which(_matrix(LARGE, lucky)).cost.endswith(f"a text. {both}")
    equal = replace(SMALL, scores={"feedback": Score(0.70, False), "sst2": Score(0.9304, False)})
    assert which(_matrix(LARGE, equal)).cost.endswith(
        "a text. It scores lower than large on feedback (by 10.0 points)."
    )
    apart = replace(SMALL, scores={"sst2": Score(0.5, False)})
    assert which(_matrix(replace(MIDDLE, scores={"feedback": Score(0.8, True)}), apart)).cost.endswith(
        "a text. It is ranked on none of the same tasks."
    )


def test_where_nothing_is_compared_there_is_no_answer() -> None:
    alone = replace(SMALL, scores={"sst2": Score(0.5, False, compared=False)})
    for row in (replace(SMALL, scores={}), alone):
        assert answer_of(_matrix(row)).startswith("Nothing can be compared on these tasks yet.")
        with pytest.raises(UserError, match="Nothing can be compared on these tasks yet"):
            which(_matrix(row))
    both = replace(LARGE, scores={"feedback": Score(0.8, True), "sst2": Score(0.9, False, compared=False)})
    assert "on the only task where it is ranked" in which(_matrix(both, MIDDLE)).take


def test_gaps_are_marked_and_explained() -> None:
    other = _row("other", 2.0, 20, sst2=(0.88, False))
    single = replace(other, encoder="single", unfinished={"feedback": 0.7512})
    absent = replace(other, encoder="absent", unfinished={})
    table = table_of(_matrix(LARGE, other, single, absent)).set_index("encoder")
    assert table["feedback (f1_macro)"].to_dict() == {
        "large": "**80.0**",
        "other": "‡",
        "single": "75.1†",
        "absent": "–",
    }
    explained = {"†": "a single seed: it takes no rank", "‡": "only other recipes than the default were run"}
    for mark, row in (("†", single), ("‡", other)):
        told = [line for line in legend([_matrix(LARGE, row)]) if line[0] in explained]
        assert [line[0] for line in told] == [mark]
        assert explained[mark] in told[0]


def test_an_encoder_has_no_rank_with_one_seed_or_with_other_recipes_alone(write_synthetic: WriteRun) -> None:
    write_synthetic()
    for seed in range(2):
        folder = write_synthetic(
            encoder="zoo-bert-en", family="bert", seed=seed, recipe={"epochs": 5}, id=f"{seed:012d}"
        )
    (found,) = matrices(build(folder.parents[2]))
    rows = {row.encoder: row for row in found.rows}
    assert rows["zoo-bert-en"].unfinished == {"feedback": None}
    score = rows["minilm-l6"].unfinished["feedback"]
    assert score is not None
    assert 0 < score <= 1

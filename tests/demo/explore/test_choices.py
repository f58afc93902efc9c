"""What the Explore tab opens on, what it takes from an address, and which runs it finds."""

from pathlib import Path

from benchmark.board.pages import tasks_of
from demo.explore.form import Form, read_form
from demo.explore.pairs import find
from demo.explore.view import show
from demo.leaderboard.handlers import read_board, records_of
from demo.leaderboard.verdict import pairs_of
from tests.benchmark.conftest import WriteRun
from tests.demo.explore.shown import ABOUT, CHOICES, GRANITE, MINILM, pair_in, problem, said, values


def test_it_opens_on_the_first_task_with_two_entries_and_a_seed_of_both(write: WriteRun, tmp_path: Path) -> None:
    write("feedback", "minilm-l6")
    for encoder, seeds in {"granite-30m": (0, 2, 3), "minilm-l6": (1, 2, 3), "tfidf-lr": (3,)}.items():
        for seed in seeds:
            write("sst2", encoder, seed)
    results = tmp_path / "results"
    opened = {"task": "sst2", "a": GRANITE, "b": MINILM, "seed": 2}
    assert values(show(Form(), results, "en")) == opened
    assert values(show(Form("sst2", tuple(MINILM)), results, "en")) == opened | {"a": MINILM, "b": GRANITE}
    assert values(show(Form("sst2", b=tuple(GRANITE)), results, "en"))["a"] == MINILM
    other = show(Form("sst2", tuple(GRANITE), ("tfidf-lr", ""), 2), results, "en")
    assert values(other) == opened | {"b": ["tfidf-lr", ""], "seed": 3}


def test_a_recipe_of_its_own_is_an_entry_of_its_own(write: WriteRun, tmp_path: Path) -> None:
    write("feedback", recipe={"loss": "mean"})
    write("feedback")
    shown = show(Form(), tmp_path / "results", "en")
    assert values(shown)["b"] == ["minilm-l6", "loss=mean"]
    assert [name for name, _ in shown[CHOICES["a"]].choices] == ["minilm-l6"]  # without the one on the other side
    assert [name for name, _ in shown[CHOICES["b"]].choices] == ["minilm-l6 [loss=mean]"]


def test_it_opens_on_the_best_and_its_runner_up_with_the_boards_verdict() -> None:
    board = read_board()
    best, runner_up = (row["encoder"] for row in records_of(board, "feedback")[:2])
    shown = show(Form("feedback"), None, "en")
    assert (values(shown)["a"], values(shown)["b"]) == ([best, ""], [runner_up, ""])
    (feedback,) = (task for task in tasks_of(board) if task.name == "feedback")
    (pair,) = (
        each
        for each in pairs_of(board, feedback, "en")
        if {encoder for encoder, _ in each["entries"]} == {best, runner_up}
    )
    assert shown[ABOUT]["told"] == " ".join(pair["told"])


def test_an_address_chooses_what_is_explored() -> None:
    link = "#tab=explore&explore=sst2&a=%5B%22minilm-l6%22%2C%22%22%5D&seed=3&view=rows&outcome=both&whose=b&gold=x"
    assert read_form(link) == Form("sst2", ("minilm-l6", ""), None, 3, "rows", None, "both", "x", "b")
    assert read_form("#a=%5B1%2C2%5D&b=nonsense&seed=-1&view=no&outcome=no&whose=c") == Form()


def test_a_damaged_run_is_named_and_the_others_stand(write: WriteRun, tmp_path: Path) -> None:
    folders = [write("feedback", encoder, seed) for encoder in ("granite-30m", "minilm-l6") for seed in (0, 1)]
    assert len(said(Form(), tmp_path / "results")) == 2
    (folders[0] / "predictions.npz").write_bytes(b"cut short")
    shown = show(Form(), tmp_path / "results", "en")
    assert values(shown)["seed"] == 1
    assert "has damaged predictions; delete" in shown[ABOUT]["lines"][-1]
    for folder in folders[1:]:
        (folder / "predictions.npz").unlink()
    assert "There are no runs" in problem(Form(), tmp_path / "results")


def test_a_new_run_is_seen_and_an_old_one_not_read_again(write: WriteRun, tmp_path: Path) -> None:
    for encoder in ("granite-30m", "minilm-l6"):
        write("feedback", encoder)
    pair = pair_in(tmp_path / "results", "feedback")
    assert pair_in(tmp_path / "results", "feedback") is pair
    assert find(tmp_path / "results").tasks["feedback"].keys() == {tuple(GRANITE), tuple(MINILM)}
    write("feedback", "tfidf-lr")
    assert ("tfidf-lr", "") in find(tmp_path / "results").tasks["feedback"]

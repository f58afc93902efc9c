"""A search: each encoder gets the same trials, whatever interrupts them; the cheapest of the level ones is chosen."""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmark.board.entries import make_entries
from benchmark.statistics.metrics import compute_metrics
from benchmark.tasks.registry import Task, known_tasks, write_task
from benchmark.tasks.rows import Rows, read_rows, write_splits
from benchmark.training import recipes
from benchmark.training.cell import Cell
from benchmark.training.claims import take
from benchmark.training.grid import run_grid
from benchmark.training.line_cells import join, write_line
from benchmark.training.recipes import Recipe
from benchmark.training.runs import Epoch, read_runs
from benchmark.training.trials import Trial, choose, pack, read_trials, unpack
from benchmark.training.tuning import Search, is_hopeless, lengths_to_try, rounds, run_trials
from benchmark.training.workers import run_on_workers
from encoder_zoo import commands
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

ToyRows = Callable[..., Rows]
Told = list[str]


@pytest.fixture
def search(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Search:
    """A search around a default that fits a model of two layers."""
    small = {"epochs": 4, "batch_size": 16, "learning_rate": 1e-3, "max_length": 16}
    monkeypatch.setitem(recipes._TASK_DEFAULTS, toy_task.name, small)
    return Search(toy_task, get_encoder(str(tiny_bert)), toy_rows(toy_task, (32, 16, 8)), tmp_path)


def _make(search: Search, trials: int) -> tuple[list[Trial], Told]:
    told: Told = []

    def run(cells: list[Cell]) -> None:
        told.extend(cell.title for cell in cells)
        assert run_grid(cells, lambda now: None) == {}

    return run_trials([search], trials, run)[0], told


def _numbers(trials: list[Trial]) -> list[dict[str, object]]:
    return [trial.model_dump(exclude={"seconds"}) for trial in trials]


def test_an_interrupted_search_goes_on_and_makes_the_trials_of_one_that_was_not(search: Search) -> None:
    whole, told = _make(search, 3)
    assert [trial.number for trial in whole] == [0, 1, 2]
    assert whole[0].recipe.model_copy(update={"seed": 0}) == search.default.model_copy(update={"seed": 0})
    assert len({trial.recipe.learning_rate for trial in whole}) == 3
    assert all(2.5e-4 <= trial.recipe.learning_rate <= 4e-3 for trial in whole)
    assert all(trial.recipe.epochs in (2, 4, 8) for trial in whole)
    assert told == ["trial 1", "trial 2", "trial 3"]
    assert read_trials(search.file) == whole
    y_true = search.rows.validation.y_true
    for trial in whole:  # what was decided is in the order of the rows
        y_pred = unpack(trial.decided, y_true.shape)
        found = compute_metrics(search.task.problem_type, y_true, y_pred.astype(float), y_pred, ["f1_macro"])
        assert found["f1_macro"] == pytest.approx(trial.main_metric)

    search.file.write_text("".join(f"{trial.model_dump_json()}\n" for trial in whole[:2]))
    assert not list(search.file.parent.glob(".*"))
    again, told = _make(search, 3)
    assert _numbers(again) == _numbers(whole)
    assert told == ["trial 3"]
    assert _make(search, 2) == (again[:2], [])  # fewer than there are


def test_rounds_double_and_the_last_ends_where_the_trials_do() -> None:
    assert rounds(8) == [(0, 2), (2, 4), (4, 8)]
    assert rounds(5) == [(0, 2), (2, 4), (4, 5)]
    assert rounds(2) == [(0, 2)]


@pytest.mark.slow
def test_a_trial_is_the_same_whichever_of_its_round_ends_first(search: Search) -> None:
    """The third and the fourth are judged by the first two alone, so the fourth may be made first."""
    _make(search, 2)
    y_true = search.rows.validation.y_true
    both = [trial.model_copy(update={"epochs": _epochs(*[0.4] * 8)}) for trial in read_trials(search.file)]
    search.file.write_text("".join(f"{trial.model_dump_json()}\n" for trial in both))
    reverse = replace(search, results=search.results / "reverse")
    reverse.file.parent.mkdir(parents=True)
    reverse.file.write_text(search.file.read_text())
    expected, _ = _make(search, 4)
    found = run_trials([reverse], 4, lambda cells: run_grid(cells[::-1], lambda now: None))[0]
    assert _numbers(found) == _numbers(expected)
    assert unpack(found[3].decided, y_true.shape).shape == y_true.shape


def test_a_trial_that_another_process_makes_is_told(search: Search) -> None:
    with pytest.raises(UserError, match="trial 1 is still made by another process; run the same command again"):
        run_trials([search], 2, lambda cells: None)


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_workers_make_the_trials_of_one_process(search: Search) -> None:
    expected, _ = _make(search, 4)
    there = replace(search, results=search.results / "there")
    (found,) = run_trials([there], 4, lambda cells: run_on_workers(cells, lambda now: None, None, [{}, {}], 1))
    assert _numbers(found) == _numbers(expected)
    assert not list(there.file.parent.glob(".*"))


def _epochs(*scores: float) -> tuple[Epoch, ...]:
    return tuple(Epoch(epoch=at, loss=0.1, main_metric=score) for at, score in enumerate(scores, start=1))


def test_a_trial_that_half_of_the_earlier_ones_beat_ends_at_a_quarter_or_at_half_of_its_epochs() -> None:
    trial = _trial(0, np.eye(2, dtype=np.int8), range(0), epochs=4)
    made = [
        trial.model_copy(update={"epochs": _epochs(*scores)}) for scores in ([0.5, 0.6, 0.7, 0.7], [0.3, 0.4, 0, 0])
    ]
    ended = trial.model_copy(update={"epochs": _epochs(0.2), "state": "pruned"})  # counts at a quarter only
    assert is_hopeless(_epochs(0.4), 4, made)  # one of two is better
    assert not is_hopeless(_epochs(0.4), 4, [*made, ended])  # one of three
    assert not is_hopeless(_epochs(0.4), 4, made[:1])  # too few to say
    assert is_hopeless(_epochs(0.4, 0.5), 4, [*made, ended])
    assert not is_hopeless(_epochs(0.4, 0.5, 0.1), 4, made)  # three quarters: it is trained to the end
    assert not is_hopeless(_epochs(0.1), 1, made)  # the only epoch: nothing is left to end
    assert is_hopeless(_epochs(0.1), 2, made)  # half of two epochs, against half of four


@pytest.mark.parametrize("planned", [1, 2, 3, 4, 5, 22, 36, 48, 72, 96, 144])
def test_a_trial_is_looked_at_twice_at_most(planned: int) -> None:
    """At 72 epochs, floating point looked after 36 and after 37."""
    trial = _trial(0, np.eye(2, dtype=np.int8), range(0), epochs=planned)
    better = [trial.model_copy(update={"epochs": _epochs(*[0.9] * planned)})] * 2
    looks = [at for at in range(1, planned + 1) if is_hopeless(_epochs(*[0.1] * at), planned, better)]
    assert looks == sorted({math.ceil(planned / 4), math.ceil(planned / 2)} - {planned})


def test_two_processes_that_join_lines_lose_none(tmp_path: Path) -> None:
    """The second waits until the first has written what it read."""
    file = tmp_path / "trials-0.jsonl"
    claim = take(file, lambda line: None)
    assert claim is not None
    trial = _trial(0, np.eye(2, dtype=np.int8), range(0), epochs=1)
    with ThreadPoolExecutor() as threads:
        joined = threads.submit(join, file, 2)
        for number in range(2):
            write_line(tmp_path / f".trials-0-{number:03}", trial)
        time.sleep(0.3)
        assert not joined.done()
        claim.release()
        assert joined.result(timeout=30) == 2
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert len(read_trials(file)) == 2


@pytest.mark.slow
def test_a_hopeless_trial_is_kept_as_such(search: Search) -> None:
    (default, *_), _ = _make(search, 1)
    good = [default.model_copy(update={"number": n, "epochs": _epochs(1, 1, 1, 1)}) for n in range(2)]
    search.file.write_text("".join(f"{trial.model_dump_json()}\n" for trial in good))
    last = _make(search, 3)[0][-1]
    assert last.state == "pruned"
    assert len(last.epochs) < last.recipe.epochs


def test_a_damaged_file_is_told_with_what_to_do(search: Search) -> None:
    search.file.parent.mkdir(parents=True)
    search.file.write_text('{"number": 0}\n')
    with pytest.raises(
        UserError, match=r"trials-\w+.jsonl is damaged \(task: Field required.*restore it, or delete it"
    ):
        _make(search, 2)


def test_no_trial_reads_more_than_the_encoder_can(search: Search, short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 48 positions: twice 32 tokens are too many."""
    texts = [f"{text} {'very ' * 60}" for text in search.rows.train.texts]
    long = replace(search.rows, train=replace(search.rows.train, texts=texts))
    asked = replace(search, encoder=get_encoder(str(short)), rows=long)
    for length, most in ((20, 40), (32, 48), (48, 48)):
        monkeypatch.setitem(recipes._TASK_DEFAULTS, "toy", {"epochs": 1, "max_length": length})
        assert lengths_to_try(asked) == (length, most)
    monkeypatch.setitem(recipes._TASK_DEFAULTS, "toy", {"epochs": 1, "max_length": 49})
    with pytest.raises(UserError, match="reads 48 tokens at most, and the recipe's max_length is 49"):
        _make(asked, 2)


def test_a_baseline_cannot_be_tuned(search: Search) -> None:
    with pytest.raises(UserError, match="'tfidf-lr' is not fine-tuned, so it cannot be tuned"):
        _make(replace(search, encoder=get_encoder("tfidf-lr")), 2)


def _trial(number: int, y_true: np.ndarray, wrong: range, epochs: int, state: str = "complete") -> Trial:
    """A trial that got the rows `wrong` of a task of two classes wrong."""
    y_pred = y_true.copy()
    y_pred[wrong] = 1 - y_pred[wrong]
    return Trial.model_validate(
        {
            "task": "two",
            "encoder": "tiny",
            "number": number,
            "state": state,
            "recipe": Recipe(epochs=epochs),
            "epochs": (),
            "best_epoch": 1,
            "main_metric": 1 - len(wrong) / len(y_true),
            "decided": pack(y_pred),
            "seconds": 1.0,
            "commit": "unknown",
        }
    )


def test_the_cheapest_trial_within_a_standard_error_of_the_best_is_chosen() -> None:
    """Of 100 rows, a trial and the best one get 10 and 12 wrong, all others: 2 points apart, with a standard error of
    about sqrt(22) = 4.7 points. Another gets the same rows wrong and 4 more: 4 points, standard error 2."""
    task = Task("two", "single_label_classification", "en", ("no", "yes"), "accuracy")
    y_true = np.eye(2, dtype=np.int8)[np.arange(100) % 2]
    best = _trial(0, y_true, range(10), epochs=4)
    level, worse = _trial(1, y_true, range(50, 62), epochs=2), _trial(2, y_true, range(14), epochs=1)
    ended = _trial(3, y_true, range(0), epochs=1, state="pruned")
    assert choose([best, level, worse, ended], task, y_true) == level
    assert choose([best, worse, ended], task, y_true) == best
    with pytest.raises(UserError, match="none of its 1 trials is complete; ask for more with --trials"):
        choose([ended], task, y_true)


def test_decided_labels_come_back() -> None:
    decided = np.random.default_rng(0).integers(0, 2, (57, 9)).astype(np.int8)
    np.testing.assert_array_equal(unpack(pack(decided), decided.shape), decided)


@pytest.mark.slow
def test_the_command_searches_and_trains_what_it_chose_with_new_seeds(
    search: Search, tiny_bert: Path, tmp_path: Path
) -> None:
    write_task(search.results, search.task)  # a task of one's own, as `run-data` leaves it
    data = write_splits(search.task, search.rows, tmp_path / "data").parent
    search = replace(search, rows=read_rows(search.task, data))
    asked = ["tune", "--tasks", "toy", "--encoders", str(tiny_bert), "--trials", "2", "--seeds", "1", "--threads", "1"]
    asked += ["--micro-batch", "8"]
    asked += ["--results", str(search.results), "--data-dir", str(data)]
    ended = CliRunner().invoke(commands, asked)
    assert ended.exit_code == 0, ended.output
    trials, (run,) = read_trials(search.file), read_runs(search.results)
    chosen = choose(trials, search.task, search.rows.validation.y_true)
    assert run.info.recipe == chosen.recipe.model_copy(update={"seed": 0})
    assert run.info.hardware["micro_batch"] == 8
    assert run.info.trials == 2  # the default recipe, too, where it was chosen
    again = CliRunner().invoke(commands, asked)
    assert "1 complete, 0 to do" in again.output
    (entry,) = make_entries([run], known_tasks(search.results))
    assert entry.variant == "tuned over 2 trials"

"""Commands that train: killed, starved of disk, called again; and their dry runs, which train nothing."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmark.from_logits.policy_fit import fit_policy
from benchmark.training.runs import read_runs
from tests.benchmark.commands.calls import BASE, Call, Ended, one_line
from tests.benchmark.conftest import WriteRun
from zoo.checkpoints.checkpoint import find_checkpoints, read_checkpoint
from zoo.encoders.registry import get_encoder
from zoo.policy import parse_policy

ROOT = Path(__file__).parents[3]
RECIPE = json.dumps({"epochs": 8, "batch_size": 64, "max_length": 32, "learning_rate": 1e-3})


def _arguments(results: Path, encoders: Sequence[object], *more: str) -> list[str]:
    names = ",".join(map(str, encoders))
    arguments = ["run", "--encoders", names, "--tasks", "feedback", "--seeds", "1", "--threads", "1"]
    recipe = ["--recipe", RECIPE] if encoders != ["tfidf-lr"] else []  # which has no epochs
    return [*arguments, "--results", str(results), *recipe, *more]


def _start(arguments: Sequence[str], temporary: Path, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "encoder_zoo", *arguments],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary), "COLUMNS": "300"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


def _run(arguments: Sequence[str], temporary: Path, limit: Callable[[], None] | None = None) -> Ended:
    process = _start(arguments, temporary, limit)
    stdout, stderr = process.communicate()
    return Ended(process.returncode, stdout, stderr)


def _complete(results: Path) -> set[str]:
    return {run.info.encoder for run in read_runs(results)}


@pytest.fixture(scope="module")
def killed(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of a grid of two, killed while its second run was in its epochs."""
    folder = tmp_path_factory.mktemp("killed")
    process = _start(_arguments(folder / "results", ["tfidf-lr", tiny_bert]), folder / "tmp")
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch 1:" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    return folder / "results"


def test_a_killed_grid_leaves_complete_runs_alone_and_the_same_command_goes_on(
    killed: Path, tiny_bert: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = shutil.copytree(killed, tmp_path / "results")
    assert _complete(results) == {"tfidf-lr"}
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    ended = call(*_arguments(results, ["tfidf-lr", tiny_bert]))
    assert (ended.code, ended.stderr) == (0, "")
    assert "2 runs: 1 complete, 1 to do" in ended.stdout
    assert _complete(results) == {"tfidf-lr", get_encoder(str(tiny_bert)).name}
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not list(results.glob("**/.*"))
    written = {path: path.stat().st_mtime_ns for path in results.glob("**/*") if path.is_file()}

    again = call(*_arguments(results, ["tfidf-lr", tiny_bert]))
    assert (again.code, again.stderr) == (0, "")
    assert "2 runs: 2 complete, 0 to do" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in results.glob("**/*") if path.is_file()} == written


@pytest.mark.campaign
def test_a_full_disk_is_told_for_every_run_and_what_is_complete_stays(killed: Path, tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    results = shutil.copytree(killed, tmp_path / "results")
    arguments = _arguments(results, ["tfidf-lr"], "--seeds", "3")
    ended = _run(arguments, tmp_path / "tmp", small_files)
    assert ended.code == 1
    assert ended.stderr == "Error: 2 of 3 runs failed; the same command runs them again\n"
    told = [line for line in ended.stdout.splitlines() if line.startswith("failed: feedback / tfidf-lr / seed ")]
    assert len(told) == 2
    assert all("File too large" in line for line in told)
    assert [(run.info.encoder, run.info.recipe.seed) for run in read_runs(results)] == [("tfidf-lr", 0)]
    states = set(results.glob("**/.*.training"))  # of the killed training, where it took more than a minute
    assert set(results.glob("**/.*")) == states


def _hear_interrupts() -> None:
    """What a terminal's processes do, and those that a shell puts in the background do not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_an_interrupt_ends_in_one_line_and_keeps_what_is_complete(tmp_path: Path) -> None:
    arguments = _arguments(tmp_path / "results", ["tfidf-lr"], "--seeds", "100")
    process = _start(arguments, tmp_path / "tmp", _hear_interrupts)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("[2/100]"):
            break
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr == "Stopped; what is complete is kept, and the same command goes on from there.\n"
    assert len(read_runs(tmp_path / "results")) >= 1
    assert not list((tmp_path / "results").glob("**/.*"))


def test_a_mistake_ends_a_real_process_with_one_line_and_exit_code_1(tmp_path: Path) -> None:
    ended = _run(_arguments(tmp_path / "results", ["minilm-16"]), tmp_path / "tmp")
    assert (ended.code, ended.stdout) == (1, "")
    assert re.fullmatch(r"Error: Unknown encoder 'minilm-16'\. Did you mean 'minilm-l6'\? All: .*\n", ended.stderr)


@pytest.mark.slow
def test_the_leaderboard_is_rebuilt_without_torch(killed: Path, tmp_path: Path) -> None:
    results = shutil.copytree(killed, tmp_path / "results")
    code = (
        "import sys; from encoder_zoo import commands; "
        f"commands(['board', '--results', {str(results)!r}], standalone_mode=False); "
        "heavy = {'torch', 'transformers', 'datasets', 'evaluate', 'gradio'} & set(sys.modules); "
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"}
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "tfidf-lr" in ended.stdout
    assert {path.name for path in results.iterdir()} >= {"leaderboard.csv", "LEADERBOARD.md", "board"}


def _rows(tmp_path: Path) -> Path:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"row {i},{i % 2}\n" for i in range(40)))
    return rows


@pytest.mark.parametrize("option", ["--checkpoints", "--splits-to"])
def test_what_cannot_be_made_a_folder_is_told_before_anything_is_written(
    option: str, call: Call, tmp_path: Path, tiny_bert: Path
) -> None:
    rows, results = _rows(tmp_path), tmp_path / "results"
    own = ("run-data", rows, "--label-column", "label", option, rows)
    one_line(call(*own, "--encoders", tiny_bert, "--results", results), f"{rows} cannot be made a folder")
    assert list(results.iterdir()) == []


@pytest.mark.slow
def test_a_training_is_fitted_as_asked_and_the_run_says_so(call: Call, tiny_bert: Path, tmp_path: Path) -> None:
    recipe = json.dumps({"epochs": 1, "batch_size": 64, "max_length": 16})
    asked = ("run", "--tasks", "feedback", "--encoders", tiny_bert, "--seeds", "1", "--recipe", recipe)
    assert call(*asked, "--results", tmp_path, "--micro-batch", "24", "--gradient-checkpointing").code == 0
    (run,) = tmp_path.glob("feedback/*/*/run.json")
    hardware = json.loads(run.read_text())["hardware"]
    assert (hardware["micro_batch"], hardware["gradient_checkpointing"]) == (24, "yes")
    assert "1 complete" in call(*asked, "--results", tmp_path).stdout  # it is the same run
    assert not list(run.parents[1].glob(".*"))


def test_runs_of_ones_own_go_to_results_and_are_read_there(
    call: Call, killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(killed, "results")
    assert "1 of 1 to do" not in call(*BASE, "--seeds", "1", "--dry-run").stdout
    assert call("board").code == 0
    assert (tmp_path / "results" / "LEADERBOARD.md").is_file()
    assert "The leaderboard agrees with the runs." in call("verify").stdout
    one_line(call("compare", "tfidf-lr", "tfidf", "--task", "feedback"), "tfidf-lr")
    assert {path.name for path in tmp_path.iterdir()} == {"results"}


def test_own_data_are_reported_before_anything_is_trained(call: Call, tmp_path: Path) -> None:
    rows = _rows(tmp_path)
    ended = call(
        "run-data", rows, "--label-column", "label", "--encoders", "tfidf-lr", "--dry-run", "--results", tmp_path
    )
    assert (ended.code, ended.stderr) == (0, "")
    assert f"{rows}: 40 rows: train 32, validation 4, test 4 " in ended.stdout
    assert "3 of 3 to do" in ended.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_complete_runs_without_a_checkpoint_are_named(
    killed: Path, tiny_bert: Path, call: Call, tmp_path: Path, write_synthetic: WriteRun
) -> None:
    results = write_synthetic(encoder="minilm-l6").parents[2]
    given = ("run", "--encoders", "minilm-l6", "--tasks", "feedback", "--seeds", "1", "--threads", "1")
    (cell,) = [line for line in call(*given, "--results", results, "--dry-run").stdout.splitlines() if "to do" in line][
        :1
    ]
    identifier = re.split(r"\s*│\s*", cell)[6]
    folder = write_synthetic(encoder="minilm-l6", id=identifier)
    ended = call(*given, "--results", results, "--checkpoints", tmp_path / "kept")
    assert (ended.code, ended.stderr) == (0, "")
    assert f"1 complete runs left no checkpoint in {tmp_path / 'kept'}; to train them again, delete:" in ended.stdout
    assert f"    {folder}\n" in ended.stdout


def test_a_damaged_run_stops_grid_and_board_in_one_line_and_not_a_plan(
    call: Call, killed: Path, tmp_path: Path, write_synthetic: WriteRun
) -> None:
    results = shutil.copytree(killed, tmp_path / "results")
    path = next(results.glob("**/predictions.npz"))
    path.write_bytes(path.read_bytes()[:-1])
    one_line(call(*BASE, "--seeds", "1", "--results", results), str(path.parent), "run it again")
    one_line(call("board", "--results", results), str(path.parent))
    planned = call(*BASE, "--first-seed", "1", "--results", results, "--dry-run")
    assert (planned.code, planned.stderr) == (0, "")
    assert "3 of 3 to do: under a minute\n" in planned.stdout
    (path.parent / "run.json").write_text("{")
    planned = call(*BASE, "--first-seed", "1", "--results", results, "--dry-run")
    assert (planned.code, planned.stderr) == (0, "")
    assert planned.stdout.count(f"{path.parent / 'run.json'} is damaged") == 1
    assert "3 of 3 to do: how long is unknown, since there is no earlier run to estimate by" in planned.stdout


def test_a_dry_run_shows_the_grid_with_estimates_and_writes_nothing(
    call: Call, write_synthetic: WriteRun, tiny_bert: Path, tmp_path: Path
) -> None:
    epochs = [{"epoch": number, "loss": 0.5, "main_metric": 0.4} for number in range(1, 11)]
    write_synthetic(task="feedback_zh", encoder="minilm-l6", train_seconds=120.0, epochs=epochs)
    results = tmp_path / "results"
    before = sorted(results.glob("**/*"))
    recipe = json.dumps({"epochs": 20})
    encoders = f"minilm-l6,tfidf-lr,{tiny_bert},minilm-l6"
    ended = call(
        "run", "--encoders", encoders, "--tasks", "feedback_zh", "--seeds", "2", "--results", results,
        "--recipe", recipe, "--dry-run",
    )  # fmt: skip
    assert (ended.code, ended.stderr) == (0, "")
    rows = [re.split(r"\s*│\s*", line.strip("│ ")) for line in ended.stdout.splitlines() if line.startswith("│")]
    tiny = get_encoder(str(tiny_bert)).name
    assert [row[1:3] for row in rows] == [[name, seed] for seed in "01" for name in ("minilm-l6", "tfidf-lr", tiny)]
    assert [row[3:5] for row in rows[:3]] == [["to do", "4.0 min"], ["to do", "?"], ["to do", "?"]]
    assert "6 of 6 to do: about 8 min, and 4 runs without an earlier one to estimate by" in ended.stdout
    assert sorted(results.glob("**/*")) == before


def test_a_dry_run_tells_which_encoders_cannot_be_trained_as_asked(call: Call, tiny_bert: Path, tmp_path: Path) -> None:
    given = ("--encoders", tiny_bert, "--tasks", "feedback", "--seeds", "2", "--results", tmp_path, "--dry-run")
    ended = call("run", *given, "--recipe", json.dumps({"max_length": 161}))
    one_line(ended, "1 of the encoders cannot be trained as asked; see above")
    assert "reads 160 tokens at most, and the recipe's max_length is 161; set it to 160 or less" in ended.stdout
    assert call("run", *given, "--recipe", json.dumps({"max_length": 160})).code == 0


def test_a_dry_run_knows_what_is_done(call: Call, killed: Path) -> None:
    ended = call(*BASE, "--seeds", "2", "--results", killed, "--dry-run")
    assert ended.code == 0
    assert re.search(r"0 +│ +done", ended.stdout)
    assert "1 of 2 to do" in ended.stdout


def test_run_keeps_models_for_a_policy(call: Call, tmp_path: Path) -> None:
    kept, policy = tmp_path / "kept", "recall=0.9"
    ended = call(*BASE, "--seeds", "1", "--results", tmp_path / "results", "--checkpoints", kept, "--policy", policy)
    assert ended.code == 0, ended.stderr
    (folder,) = find_checkpoints(kept)
    checkpoint = read_checkpoint(folder)
    fitted = fit_policy(checkpoint.info, tmp_path / "results", parse_policy([policy]))
    assert checkpoint.decision == fitted.decision != fitted.default
    assert f"for the policy `{policy}`" in (folder / "README.md").read_text(encoding="utf-8")

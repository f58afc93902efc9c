"""The leaderboard: plain tables computed from the runs alone, without torch.

`build` gives the long table, one row a (task, encoder, rule, metric); everything that is shown comes from it.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from rich.table import Table

from benchmark.fit_decision import fit_decision
from benchmark.metrics import LOWER_IS_BETTER, compute_metrics, per_label
from benchmark.recipes import variant_of
from benchmark.runs import RESULTS, Run, read_runs
from benchmark.tasks import TASKS, Task
from zoo.decision import Decision, Rule
from zoo.errors import UserError, lookup
from zoo.files import write_bytes, write_text

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = (
    "<!-- leaderboard: made by `python -m benchmark leaderboard`, do not edit -->",
    "<!-- end of leaderboard -->",
)
RULES: tuple[Rule, ...] = ("fixed", "global", "per_label")
_ROW = ["task", "encoder", "family", "variant"]
_COST = [
    "parameters",
    "embedding_parameters",
    "train_seconds",
    "train_examples_per_second",
    "inference_examples_per_second",
    "peak_memory_mib",
]


def build(runs: list[Run]) -> pd.DataFrame:
    """Return the leaderboard of runs.

    Columns: task, encoder, family, variant (in what the recipe differs from the task's default), rule, metric, value
    (mean over seeds), sd (over seeds, nan for one), seeds, n (test rows), and the run's costs averaged over seeds.
    `ece` and `brier` stand twice: as the model gives its scores (rule "raw") and after the temperature.

    Raises:
        UserError: there are no runs, or those of one cell or one task do not belong together.
    """
    if not runs:
        raise UserError("There are no runs yet; make some: python -m benchmark run --help")
    _check_cells(runs)
    scores = pd.DataFrame([row for run in runs for row in _score(run)])
    keys = [*_ROW, "rule", "metric"]
    board = scores.groupby(keys, sort=False).agg(
        value=("value", "mean"),
        sd=("value", "std"),
        seeds=("value", "size"),
        n=("n", "first"),
        **{name: (name, "mean") for name in _COST},
    )
    return board.reset_index()


def build_per_label(runs: list[Run]) -> pd.DataFrame:
    """Return the leaderboard label by label, decided by the task's own rule, averaged over seeds.

    Columns: task, encoder, family, variant, label, precision, recall, f1, average_precision, support.
    """
    rows: list[pd.DataFrame] = []
    for run in runs:
        task, found = TASKS[run.info.task], run.predictions
        decision = fit_decision(
            task.problem_type, found.validation_logits, found.validation_y_true, task.rule, task.average
        )
        y_score = decision.scores(found.test_logits)
        measured = per_label(found.test_y_true, y_score, decision.decide(y_score))
        rows.append(pd.DataFrame(_cell(run) | {"label": list(task.labels)} | measured))
    return pd.concat(rows).groupby([*_ROW, "label"], sort=False).mean().reset_index()


def _check_cells(runs: list[Run]) -> None:
    """A task's runs are of the same rows, and a mean over seeds is one over the same weights and code."""
    first: dict[tuple[str, ...], Run] = {}
    for run in runs:
        info = run.info
        row = first.setdefault((info.task, info.encoder), run).info
        task = first.setdefault((info.task,), run).info
        if (info.fingerprint, info.labels) != (task.fingerprint, task.labels):
            raise _apart(run, first[info.task,], "rows")
        if (info.revision, info.protocol) != (row.revision, row.protocol):
            raise _apart(run, first[info.task, info.encoder], "encoder's revision or protocol")


def _apart(one: Run, other: Run, what: str) -> UserError:
    return UserError(
        f"{one.folder} and {other.folder} differ in their {what} and cannot stand on one board; move one of them to "
        "another results folder"
    )


def _score(run: Run) -> Iterable[dict[str, object]]:
    info, found = run.info, run.predictions
    task = lookup(TASKS, info.task, "task")
    shared = _cell(run) | {"n": len(found.test_y_true)} | {name: getattr(info, name) for name in _COST}
    for rule in RULES if task.multi_label else ("argmax",):
        decision = fit_decision(info.problem_type, found.validation_logits, found.validation_y_true, rule, task.average)
        yield from _rows(shared, rule, decision, run)
        if rule in ("fixed", "argmax"):
            raw = decision.model_copy(update={"temperature": 1.0})
            yield from (row for row in _rows(shared, "raw", raw, run) if row["metric"] in ("ece", "brier"))


def _cell(run: Run) -> dict[str, object]:
    info = run.info
    variant = variant_of(info.recipe, TASKS[info.task])
    return dict(zip(_ROW, (info.task, info.encoder, info.family, variant), strict=True))


def _rows(shared: dict[str, object], rule: str, decision: Decision, run: Run) -> Iterable[dict[str, object]]:
    y_score, y_true = decision.scores(run.predictions.test_logits), run.predictions.test_y_true
    found = compute_metrics(run.info.problem_type, y_true, y_score, decision.decide(y_score))
    return [shared | {"rule": rule, "metric": name, "value": value} for name, value in found.items()]


def wide(board: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return one task's board for reading: one row an encoder and variant, best first by the main metric."""
    rows = board[board["task"] == task.name].set_index(_ROW, drop=False)
    main = _column(rows, task.rule, task.main_metric)
    table = main[["encoder", "family", "seeds"]].copy()
    table["encoder"] += main["variant"].map(lambda variant: f" ({variant})" if variant else "")
    table["parameters (M)"] = (main["parameters"] / 1e6).round(1)
    table[f"{task.main_metric}"] = _mean_sd(main)
    for rule, metric in _beside(task):
        name = metric if rule == task.rule else f"{metric}, {rule}"
        table[name] = _mean_sd(_column(rows, rule, metric))
    table["train s"] = main["train_seconds"].round().astype(int)
    table["train texts/s"] = main["train_examples_per_second"].round().astype(int)
    table["predict texts/s"] = main["inference_examples_per_second"].round().astype(int)
    order = main["value"].rank(ascending=task.main_metric in LOWER_IS_BETTER, method="first")
    return table.iloc[order.argsort()].reset_index(drop=True)


def _beside(task: Task) -> list[tuple[str, str]]:
    """The columns beside the main metric: (rule, metric)."""
    if not task.multi_label:
        return [("argmax", "f1_macro"), ("argmax", "mcc"), ("argmax", "auc"), ("raw", "ece"), ("argmax", "ece")]
    other = "f1_macro" if task.main_metric == "f1_micro" else "f1_micro"
    thresholds = [(rule, task.main_metric) for rule in RULES if rule != task.rule]
    return [
        *thresholds,
        (task.rule, other),
        (task.rule, "map"),
        (task.rule, "lrap"),
        ("raw", "ece"),
        (task.rule, "ece"),
    ]


def _column(rows: pd.DataFrame, rule: str, metric: str) -> pd.DataFrame:
    return rows[(rows["rule"] == rule) & (rows["metric"] == metric)]


def _mean_sd(rows: pd.DataFrame) -> pd.Series:
    values = zip(rows["value"], rows["sd"], strict=True)
    return pd.Series(
        [f"{value:.4f}" + ("" if pd.isna(sd) else f" ± {sd:.4f}") for value, sd in values], index=rows.index
    )


def markdown(board: pd.DataFrame) -> str:
    """Return the board as Markdown: one table a task, in the order of the registry."""
    parts = []
    for task in _tasks_of(board):
        n = int(board.loc[board["task"] == task.name, "n"].iloc[0])
        note = f"{task.reported}, n = {n:,}; thresholds: {task.rule}; mean ± standard deviation over seeds"
        parts.append(f"**{task.name}** ({note})\n\n{wide(board, task).to_markdown(index=False, disable_numparse=True)}")
    return "\n\n".join(parts)


def _tasks_of(board: pd.DataFrame) -> list[Task]:
    return [task for name, task in TASKS.items() if name in set(board["task"])]


def publish(results: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Build the board of all runs below `results` and write it beside them, and into the README if they are the
    project's own; return the board and what was written.

    Raises:
        UserError: there are no runs, a run is corrupt, or runs do not belong together.
    """
    runs = read_runs(results)
    board, labels = build(runs), build_per_label(runs)
    files = {
        "leaderboard.csv": board.to_csv(index=False).encode(),
        "leaderboard.parquet": board.to_parquet(index=False),
        "leaderboard.md": (markdown(board) + "\n").encode(),
        "labels.csv": labels.to_csv(index=False).encode(),
        "labels.parquet": labels.to_parquet(index=False),
    }
    for name, content in files.items():
        write_bytes(results / name, content)
    written = [results / name for name in files]
    if results.resolve() == RESULTS.resolve():
        write_text(README, in_readme(README.read_text(encoding="utf-8"), board))
        written.append(README)
    return board, written


def in_readme(readme: str, board: pd.DataFrame) -> str:
    """Return the README's text with the board between its markers.

    Raises:
        UserError: a marker is missing.
    """
    for marker in (BEGIN, END):
        if marker not in readme:
            raise UserError(f"README.md has lost the line '{marker}'; put it back where the leaderboard stands")
    head, rest = readme.split(BEGIN)
    return f"{head}{BEGIN}\n\n{markdown(board)}\n\n{END}{rest.split(END)[1]}"


def screen_table(board: pd.DataFrame) -> Table:
    """Return the headline columns for the terminal."""
    table = Table("task", "encoder", "seeds", "main metric", "value", "train s", "predict texts/s")
    for task in _tasks_of(board):
        shown = wide(board, task)
        for _, row in shown.iterrows():
            cells = [
                task.name,
                row["encoder"],
                row["seeds"],
                f"{task.main_metric} ({task.rule})",
                row[task.main_metric],
            ]
            table.add_row(*map(str, [*cells, row["train s"], row["predict texts/s"]]))
        table.add_section()
    return table

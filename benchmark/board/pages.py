"""The board for reading: tables of one task, the README's part, LEADERBOARD.md, the terminal."""

from collections.abc import Mapping
from itertools import pairwise, permutations
from typing import Any

import pandas as pd
from rich.table import Table

from benchmark.board.tables import LENGTH, Board, entry_name
from benchmark.tasks.registry import Task, parse_task
from zoo.errors import UserError

BEGIN, END = (
    "<!-- leaderboard: made by `python -m benchmark leaderboard`, do not edit -->",
    "<!-- end of leaderboard -->",
)


DECIDES = "the interval is of that pair alone, Holm's p is corrected for all pairs of the task, and p decides."
LINEAR = "linear"  # the family of the baselines, whose recipes are of another kind
MOST_POINTS, NONE_SHOWN = 25, "seeds this few could have shown no gap that is likely"


def tasks_of(board: Board) -> list[Task]:
    """Return the tasks that the board has, in order."""
    return [parse_task(spec) for spec in board.tasks["spec"]]


def main_cells(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return the cells of the task's main metric under its own rule, one row an entry."""
    of_task = cells["task"] == task.name
    return cells[of_task & (cells["rule"] == task.rule) & (cells["metric"] == task.main_metric)]


def wide(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return one task's board for reading: one row an entry, best first by the main metric."""
    rows, main = _of_task(cells, task)
    table = _short(main, task)
    table["error of rows"] = main["sd_rows"].map("{:.4f}".format)
    table["error of seeds"] = (
        main["sd_seeds"].where(main["seeds"] > 1).map("{:.4f}".format, na_action="ignore").fillna("–")
    )
    for rule, metric in _beside(task):
        name = metric if rule in (task.rule, "scores") else f"{metric}, {rule}"
        of_cell = rows[(rows["rule"] == rule) & (rows["metric"] == metric)]
        table[name] = of_cell["value"].map("{:.4f}".format)
    table["train s"] = main["train_seconds"].round().astype(int)
    table["train texts/s"] = main["train_examples_per_second"].round().astype(int)
    table["p50 ms"], table["p95 ms"] = main["p50_ms"].round(1), main["p95_ms"].round(1)
    table["texts/s"] = main["texts_per_second"].round().astype(int)
    table["MiB"] = main["peak_memory_mib"].round().astype(int)
    table["cut"] = main["truncated"].map("{:.1%}".format)
    table["take care"] = main["flags"]
    return table.reset_index(drop=True)


def short(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return the same in few columns, for the README and the terminal."""
    _, main = _of_task(cells, task)
    table = _short(main, task)
    table["train s"], table["ms a text"] = main["train_seconds"].round().astype(int), main["p50_ms"].round(1)
    return table.reset_index(drop=True)


def _of_task(cells: pd.DataFrame, task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the task's cells, and those of the main metric alone, best first, both indexed by the entry's name."""
    rows = cells[cells["task"] == task.name]
    rows = rows.set_index(pd.Index(list(map(entry_name, rows.to_dict("records")))))
    main = rows[(rows["rule"] == task.rule) & (rows["metric"] == task.main_metric)]
    return rows, main.sort_values("value", ascending=False, kind="stable")


def _short(main: pd.DataFrame, task: Task) -> pd.DataFrame:
    records = main.to_dict("records")
    return pd.DataFrame(
        {
            "rank": [_rank(row["rank_low"], row["rank_high"]) for row in records],
            "encoder": main.index,
            "family": main["family"],
            "parameters (M)": (main["parameters"] / 1e6).round(1),
            f"{task.main_metric} [95 %]": [f"{r['value']:.4f} [{r['low']:.4f}, {r['high']:.4f}]" for r in records],
            "seeds": main["seeds"],
            "sd of a seed": ["–" if pd.isna(row["sd"]) else f"{row['sd']:.4f}" for row in records],
        },
        index=main.index,
    )


def _rank(low: object, high: object) -> str:
    if pd.isna(low):  # type: ignore[call-overload]
        return "–"
    return str(low) if low == high else f"{low}–{high}"


def _beside(task: Task) -> list[tuple[str, str]]:
    """The columns beside the main metric: (rule, metric)."""
    if not task.multi_label:
        return [("argmax", "f1_macro"), ("argmax", "mcc"), ("scores", "auc"), ("raw", "ece"), ("scores", "ece")]
    other = "f1_macro" if task.main_metric == "f1_micro" else "f1_micro"
    thresholds = [(rule, task.main_metric) for rule in ("fixed", "global", "per_label") if rule != task.rule]
    return [*thresholds, (task.rule, other), ("scores", "map"), ("scores", "lrap"), ("raw", "ece"), ("scores", "ece")]


def note(cells: pd.DataFrame, task: Task) -> str:
    """Return one line on what the task's numbers are."""
    n = int(cells.loc[cells["task"] == task.name, "n"].iloc[0])
    flagged = "; ".join(sorted(set(main_cells(cells, task)["flags"].str.split("; ").explode()) - {""}))
    care = f"; intervals may be too narrow, as some rest on: {flagged}" if flagged else ""
    return f"{task.reported} split, n = {n:,}; thresholds: {task.rule}; mean over seeds with its 95 % interval{care}"


def gaps(board: Board, task: Task) -> list[str]:
    """Return a sentence on each gap between neighbours of the task's ranking, real or not to be told, and one that
    names the other real ones. A recipe that all share, but for baselines, is named once, before them."""
    if board.pairs.empty:
        return []
    _, main = _of_task(board.cells, task)
    ranked = main[main["rank_low"].notna()]
    tuned = ranked["family"] != LINEAR
    recipes = set(ranked.loc[tuned, "variant"])
    shared = next(iter(recipes)) if len(recipes) == 1 else ""
    called = dict(zip(ranked.index, ranked["encoder"].where(tuned & bool(shared), ranked.index), strict=True))
    names = list(called.values())
    pairs = [named(row) for row in board.pairs[board.pairs["task"] == task.name].to_dict("records")]
    pairs = [row | {side: called.get(row[side], row[side]) for side in ("a", "b")} for row in pairs]
    found = {frozenset((row["a"], row["b"])): row for row in pairs}
    near = [found.pop(frozenset(both)) for both in pairwise(names) if frozenset(both) in found]
    losers: dict[str, list[str]] = {}
    for winner, loser in permutations(names, 2):
        row = found.get(frozenset((winner, loser)))
        if row is not None and row["verdict"] != "cannot tell" and row[row["verdict"]] == winner:
            losers.setdefault(winner, []).append(loser)
    lines = [f"All are fine-tuned with {shared}."] if shared and near else []
    lines += [sentence(row) for row in near]
    if losers:
        lines.append(f"Real as well: {'; '.join(f'{a} over ' + ' and '.join(b) for a, b in losers.items())}.")
    return lines


def named(pair: dict[Any, Any]) -> dict[Any, Any]:
    """Return a row of the board's pairs with its entries' names for reading, `a` and `b`."""
    of_side = {side: {key: pair[f"{key}_{side}"] for key in ("encoder", "variant")} for side in ("a", "b")}
    return pair | {side: entry_name(row) for side, row in of_side.items()}


def sentence(pair: dict[Any, Any]) -> str:
    """Return what a row of the board's pairs says of its two entries, the better one on their common seeds first."""
    sign = 1 if pair["difference"] >= 0 else -1
    better, worse = (pair["a"], pair["b"])[::sign]
    figures = f"{in_points(pair, 'difference', sign)} over {pair['seeds']} seeds, Holm's p = {pair['p_holm']:.2g}"
    if pair["verdict"] == "cannot tell":
        points = would_show(pair)
        shown = f"a gap of {points} would have shown four times in five" if points else NONE_SHOWN
        return f"{better} or {worse}: cannot tell ({figures}; {shown})."
    return f"{better} is better than {worse}: {figures}."


def would_show(pair: Mapping[Any, Any]) -> str:
    """Return the gap in points that a pair's rows and seeds find four times in five; "" where no likely one is."""
    points = 100 * pair["detectable"]
    return f"{points:.1f}" if 0 < points <= MOST_POINTS else ""


def in_points(row: Mapping[Any, Any], name: str, sign: int = 1, unit: str = " points") -> str:
    """Return a difference with its interval `low` to `high` in points, seen from the other side where `sign` is -1."""
    low, high = sorted((100 * sign * row["low"], 100 * sign * row["high"]))
    return f"{100 * sign * row[name]:+.1f}{unit} [{low:+.1f}, {high:+.1f}]"


def over_global(row: Mapping[Any, Any]) -> dict[str, float]:
    """Return the gain of a row of the board's rules over one threshold for all labels, instead of over 0.5."""
    return {"gain": row["over_global"], "low": row["over_global_low"], "high": row["over_global_high"]}


def readme_part(board: Board) -> str:
    """Return the README's leaderboard as Markdown: a short table a task, and which of its gaps are real."""
    parts = []
    for task in tasks_of(board):
        cells = _headline(board.cells, task)
        head = f"**{task.name}** ({note(cells, task)})"
        parts.append(f"{head}\n\n{markdown(short(cells, task))}\n\n{' '.join(gaps(board, task))}".rstrip())
    return "\n\n".join(parts)


def _headline(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return the task's cells without the entries that have no rank beside one of the same encoder that has."""
    cells = cells[cells["task"] == task.name]
    ranked = main_cells(cells, task).dropna(subset="rank_low")[["encoder", "variant"]]
    has_rank = pd.MultiIndex.from_frame(cells[["encoder", "variant"]]).isin(pd.MultiIndex.from_frame(ranked))
    return cells[has_rank | ~cells["encoder"].isin(ranked["encoder"])]


def page(board: Board) -> str:
    """Return LEADERBOARD.md: everything that is not too long to read."""
    parts = [_HEAD]
    for task in tasks_of(board):
        parts += [f"## {task.name}", note(board.cells, task) + ".", markdown(wide(board.cells, task))]
        parts += ["\n".join(f"- {sentence}" for sentence in gaps(board, task))]
        if task.multi_label:
            parts += [
                "What a decision rule gains over 0.5 on the test rows, and a threshold a label over one for all, in "
                "points:",
                markdown(_gains(board, task)),
            ]
            parts += [
                "Thresholds of single labels: how far 95 % of them lie apart in resamples of the validation rows, and "
                "whether half of the label's best F1, the best threshold for calibrated scores, is among them:",
                markdown(_thresholds(board, task)),
            ]
        parts += ["Calibration errors, before and after one temperature, and one a label:"]
        parts += [markdown(_calibration(board, task))]
        if len(board.slices):  # under 30 test rows there are none
            parts += ["Parts of the test rows:", markdown(_slices(board, task))]
        parts += _published(board, task)
    parts += ["## Costs", markdown(_costs(board))]
    parts += ["## Across tasks"]
    if len(board.overall):
        parts += [
            "Mean rank, with its 95 % interval, over a language's tasks that rank two entries or more; on each "
            "task the encoders stand by the recipe that most of them share.",
            markdown(overall(board.overall)),
        ]
    else:
        parts += ["No two encoders are ranked on two tasks of a language or more, by a recipe that most share."]
    if len(board.problems):
        listed = "\n".join(f"- {problem_line(row)}" for row in board.problems.to_dict("records"))
        parts += ["## Left out, or without a rank", listed]
    parts += ["## The runs behind it", markdown(_runs(board))]
    return "\n\n".join(part for part in parts if part) + "\n"


_HEAD = f"""# The leaderboard

Made by `python -m benchmark leaderboard` from the runs in `benchmark/results`; do not edit.

- An interval is of the mean over seeds, from a bootstrap of seeds and test rows. "sd of a seed" is the spread of
  single fine-tunings, "error of rows" and "error of seeds" are the two parts of the mean's standard error.
- A rank such as 1–3 is all that can be said: every pair of a task is tested (approximate randomization with the noise
  of the seeds, Holm-corrected), and entries that cannot be told apart share ranks. Differences are in points (0.01),
  over the seeds that both have; {DECIDES} No p is under one in its draws (2,000 a task, or 40 a
  pair if those are more), times the pairs. The gap that would have shown is for a test as strict as the correction may
  make it.
- "take care" says why an interval may be too narrow: few seeds, or few positives among the test rows.
- Costs are medians over seeds, which did not all run on one machine: the runs name theirs. Latency is the fastest
  seed's, as what else runs on a machine only slows.
- Temperature and thresholds are fitted on validation alone. "raw" is before the temperature.
- p50 and p95 are the milliseconds for one text of {LENGTH} tokens, texts/s for batches of 32 such texts, on the
  machine and threads that the runs name. "cut" is the share of test texts that are longer than what is read."""


def problem_line(row: Mapping[Any, Any]) -> str:
    """Return what a row of the board's problems says."""
    return f"{row['run'] or row['task'] + '/' + entry_name(row)}: {row['reason']}"


def _gains(board: Board, task: Task) -> pd.DataFrame:
    rows = board.rules[board.rules["task"] == task.name].to_dict("records")
    table: dict[str, dict[Any, str]] = {}
    for row in rows:
        text = f"{row['value']:.4f}" if row["rule"] == "fixed" else in_points(row, "gain", unit="")
        cells = table.setdefault(entry_name(row), {})
        cells[row["rule"]] = text
        if row["rule"] == "per_label":
            cells["per_label over global"] = in_points(over_global(row), "gain", unit="")
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("encoder").reset_index()


def _thresholds(board: Board, task: Task) -> pd.DataFrame:
    rows = []
    for name, of_entry in _by_entry(board.thresholds[board.thresholds["task"] == task.name]):
        own = of_entry[~of_entry["shared"].astype(bool)]
        among = ((own["low"] <= own["half_best_f1"]) & (own["half_best_f1"] <= own["high"])).sum()
        width = f"{(own['high'] - own['low']).median():.3f}" if len(own) else "–"
        rows.append((name, len(own), len(of_entry) - len(own), width, f"{among} of {len(own)}"))
    columns = ["encoder", "own thresholds", "too rare for one", "median width", "half of the best F1 among them"]
    return pd.DataFrame(rows, columns=columns)


def _by_entry(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    names = pd.Series(list(map(entry_name, table.to_dict("records"))), index=table.index, dtype=object)
    return [(str(name), part) for name, part in table.groupby(names, sort=False)]


def _calibration(board: Board, task: Task) -> pd.DataFrame:
    rows = board.calibration[board.calibration["task"] == task.name].to_dict("records")
    table: dict[str, dict[Any, str]] = {}
    for row in rows:
        if row["metric"] in ("ece_debiased", "brier", "nll"):
            column = f"{row['metric']}, {row['calibrator']}"
            table.setdefault(entry_name(row), {})[column] = f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"
    return pd.DataFrame.from_dict(table, orient="index").sort_index(axis=1).rename_axis("encoder").reset_index()


def _slices(board: Board, task: Task) -> pd.DataFrame:
    rows = board.slices[board.slices["task"] == task.name].to_dict("records")
    table: dict[tuple[Any, ...], dict[Any, str]] = {}
    for row in rows:
        key = (row["slice"], row["part"], row["metric"], row["n"])
        cells = table.setdefault(key, {"take care": ""})
        cells[entry_name(row)] = f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"
        told = [flag for flag in row["flags"].split("; ") if not flag.endswith(("seed", "seeds"))]  # of the entry
        cells["take care"] = "; ".join(dict.fromkeys([*filter(None, cells["take care"].split("; ")), *told]))
    names = ["slice", "part", "metric", "n"]
    return pd.DataFrame([dict(zip(names, key, strict=True)) | values for key, values in table.items()]).fillna("–")


def _published(board: Board, task: Task) -> list[str]:
    """Return what is published: beside what was measured here, and of encoders that were not, without a rank."""
    parts = []
    for title, table in (
        ("Published for what is measured here, and where it lies beside our interval:", board.anchors),
        ("Published, not measured here (other recipes and conditions; no rank):", board.unmeasured),
    ):
        of_task = table[table["task"] == task.name].drop(columns="task")
        if len(of_task):
            parts += [title, markdown(of_task.sort_values("value", ascending=False, kind="stable"))]
    return parts


def _costs(board: Board) -> pd.DataFrame:
    table = board.costs.assign(entry=list(map(entry_name, board.costs.to_dict("records"))))
    table["where"] = table["processor"] + table["gpu"].map(lambda gpu: f", {gpu}" if gpu else "")
    for name in ("parameters", "embedding_parameters", "trained_parameters"):
        table[name] = (table[name] / 1e6).round(1).astype(str) + " M"
    for name in ("p50_ms", "p95_ms", "texts_per_second", "train_seconds", "peak_memory_mib"):
        table[name] = table[name].map("{:,.1f}".format)
    columns = ["task", "entry", "parameters", "embedding_parameters", "trained_parameters", "train_seconds"]
    columns += ["peak_memory_mib", "length", "p50_ms", "p95_ms", "texts_per_second", "where", "threads", "precision"]
    return table[columns]


def _runs(board: Board) -> pd.DataFrame:
    table = board.runs.assign(run=[f"[{row['id']}]({row['folder']})" for row in board.runs.to_dict("records")])
    table["entry"] = list(map(entry_name, board.runs.to_dict("records")))
    return table[["task", "entry", "seed", "run", "best_epoch", "commit"]]


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean ranks across tasks for reading."""
    records = table.to_dict("records")
    ranks = [f"{row['mean_rank']:.2f} [{row['low']:.2f}, {row['high']:.2f}]" for row in records]
    return pd.DataFrame(
        {"language": table["language"], "encoder": table["encoder"], "mean rank": ranks, "tasks": table["tasks"]}
    )


def markdown(table: pd.DataFrame) -> str:
    """Return the table in Markdown."""
    return str(table.to_markdown(index=False, disable_numparse=True))


def between_markers(text: str, content: str) -> str:
    """Return a README's text with `content` between its markers.

    Raises:
        UserError: a marker is missing.
    """
    for marker in (BEGIN, END):
        if marker not in text:
            raise UserError(f"README.md has lost the line '{marker}'; put it back where the leaderboard stands")
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n\n{content}\n\n{END}{rest.split(END)[1]}"


def screen_table(board: Board) -> Table:
    """Return the headline columns for the terminal."""
    table = Table("task", "rank", "encoder", "seeds", "main metric", "value [95 %]", "train s", "ms a text")
    for task in tasks_of(board):
        main = f"{task.main_metric} ({task.rule})"
        for row in short(board.cells, task).to_dict("records"):
            cells = [row["rank"], row["encoder"], row["seeds"], main, row[f"{task.main_metric} [95 %]"]]
            table.add_row(task.name, *map(str, [*cells, row["train s"], row["ms a text"]]))
        table.add_section()
    return table

"""What the board's pages, the app and the terminal share: its tables and numbers made for reading."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.board.tables import Board, entry_name, protocol_of
from benchmark.tasks.registry import Task, parse_task
from benchmark.training.recipes import IMPORTED

LARGEST_GAP = 25  # points; two encoders that anybody compares hardly lie further apart
ONCE = "trained once"  # instead of a number of seeds, where a seed changes nothing
LINEAR = "linear"  # the family of the baselines, whose recipes are of another kind
NOT_TUNED = (LINEAR, IMPORTED)  # families of what is no encoder fine-tuned here


def tasks_of(board: Board) -> list[Task]:
    """Return the tasks that the board has, in order."""
    return [parse_task(spec) for spec in board.tasks["spec"]]


def of_task(table: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return a table's rows of the task; a table without rows may lack all columns."""
    return table[table["task"] == task.name] if len(table) else table


def main_cells(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return the cells of the task's main metric under its own rule, one row an entry."""
    rows = of_task(cells, task)
    return rows[(rows["rule"] == task.rule) & (rows["metric"] == task.main_metric)]


def best_first(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return the same, the best first, indexed by the entry's name for reading: the ranked defaults, what was tuned,
    declared recipes without a rank, and trials."""
    main = main_cells(cells, task).sort_values("value", ascending=False, kind="stable")
    rows = main[["variant", "rank_low"]].to_dict("records")
    main = main.iloc[sorted(range(len(rows)), key=lambda at: _place(rows[at]))]
    return main.set_index(pd.Index(names_of(main), dtype=object))


def _place(row: Mapping[Any, Any]) -> tuple[int, str]:
    protocol = protocol_of(row["variant"])
    if protocol is None:
        return 3, ""
    return (2, "") if pd.isna(row["rank_low"]) else (int(protocol != ""), protocol)


def names_of(table: pd.DataFrame) -> list[str]:
    """Return the name for reading of each row's entry."""
    return [entry_name(row) for row in table[["encoder", "variant"]].to_dict("records")]


def wide(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return one task's board for reading: one row an entry, best first by the main metric."""
    main = best_first(cells, task)
    table = ranked(main, task)
    defaults = rankings_of(main).fillna("") == ""
    table["rank"] = table["rank"].where(defaults, table["rank"] + " of the tuned")
    parts = [table, other_metrics(cells, task), _costs(main), main["flags"].rename("caution")]
    return pd.concat(parts, axis=1).reset_index(drop=True)


def rankings_of(main: pd.DataFrame) -> "pd.Series[str]":
    """Return the protocol by which each row's entry has its rank (see `protocol_of`); missing without a rank."""
    return main["variant"].map(protocol_of).where(main["rank_low"].notna())


def ranked(main: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return rank, size, main metric and its errors of the entries in `main` (see `best_first`)."""
    ranks = zip(main["rank_low"], main["rank_high"], strict=True)
    sd, of_seeds = (main[name].where(main["seeds"] > 1) for name in ("sd", "sd_seeds"))
    return pd.DataFrame(
        {
            "rank": ["–" if pd.isna(low) else f"{low}–{high}" if low < high else str(low) for low, high in ranks],
            "encoder": main.index,
            "family": main["family"],
            "parameters (M)": _known((main["parameters"] / 1e6).round(1)),
            f"{task.main_metric} [95 %]": with_interval(main),
            "seeds": seeds_of(main),
            "sd over seeds": sd.map("{:.4f}".format, na_action="ignore").fillna("–"),
            "standard error (rows)": main["sd_rows"].map("{:.4f}".format),
            "standard error (seeds)": of_seeds.map("{:.4f}".format, na_action="ignore").fillna("–"),
        },
        index=main.index,
    )


def seeds_of(table: pd.DataFrame) -> list[str]:
    """Return how many seeds each row's entry has; of one without randomness, that it was trained once, or imported."""
    return [
        str(row["seeds"]) if row.get("random", True) else IMPORTED if row.get("family") == IMPORTED else ONCE
        for row in table.to_dict("records")
    ]


def with_interval(table: pd.DataFrame) -> list[str]:
    """Return each row's value with its interval, such as "0.8123 [0.7998, 0.8241]"."""
    return [f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]" for row in table.to_dict("records")]


def other_metrics(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return the metrics beside the main one, by the entry's name."""
    rows = of_task(cells, task)
    rows, table = rows.set_index(pd.Index(names_of(rows), dtype=object)), {}
    for rule, metric in _beside(task):
        name = metric if rule in (task.rule, "scores") else f"{metric}, {rule}"
        table[name] = rows.loc[(rows["rule"] == rule) & (rows["metric"] == metric), "value"].map("{:.4f}".format)
    return pd.DataFrame(table).fillna("–")


def _beside(task: Task) -> list[tuple[str, str]]:
    """The columns beside the main metric: (rule, metric)."""
    if not task.multi_label:
        return [("argmax", "f1_macro"), ("argmax", "mcc"), ("scores", "auc"), ("raw", "ece"), ("scores", "ece")]
    other = "f1_macro" if task.main_metric == "f1_micro" else "f1_micro"
    thresholds = [(rule, task.main_metric) for rule in ("fixed", "global", "per_label") if rule != task.rule]
    return [*thresholds, (task.rule, other), ("scores", "map"), ("scores", "lrap"), ("raw", "ece"), ("scores", "ece")]


def _costs(main: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame({"training (s)": _whole(main["train_seconds"])})
    table["training (texts/s)"] = _whole(main["train_examples_per_second"])
    table["latency p50 (ms)"], table["latency p95 (ms)"] = (
        _known(main[name].round(1)) for name in ("p50_ms", "p95_ms")
    )
    table["prediction (texts/s)"] = _whole(main["texts_per_second"])
    table["MiB"] = _whole(main["peak_memory_mib"])
    table["truncated"] = _known(main["truncated"].map("{:.1%}".format, na_action="ignore"))
    return table


def _whole(numbers: pd.Series) -> pd.Series:
    return _known(numbers.round().astype("Int64"))


def _known(values: pd.Series) -> pd.Series:
    """A dash for what nothing is known of."""
    return values.astype(object).fillna("–") if values.isna().any() else values


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """Return ranks across tasks for reading."""
    ranks = table["mean_rank"].map("{:.2f}".format)
    return pd.DataFrame(
        {"language": table["language"], "encoder": table["encoder"], "mean rank": ranks, "tasks": table["tasks"]}
    )


def in_points(row: Mapping[Any, Any], name: str, low: str = "low", high: str = "high") -> str:
    """Return a difference with its interval in points, such as "+1.2 [-0.3, +2.7]"."""
    return interval((row[name], row[low], row[high]))


def points(difference: float) -> str:
    """Return a difference in points (0.01) with its sign, such as "+1.2"; 0 has none."""
    text = f"{100 * difference:+.1f}"
    return text[1:] if text[1:] == "0.0" else text


def size(difference: float) -> str:
    """Return a difference in points without a plus, such as "1.2"."""
    return points(difference).removeprefix("+")


def plain(margin: float) -> str:
    """Return a margin in points with its unit, such as "1 point" or "0.5 points"."""
    return f"{100 * margin:g} point{'s' * (round(100 * margin, 6) != 1)}"


def interval(found: tuple[float, float, float]) -> str:
    """Return a difference and the ends of its interval in points, such as "+1.2 [-0.3, +2.7]"."""
    return f"{points(found[0])} [{points(found[1])}, {points(found[2])}]"


def gap(difference: float) -> str:
    """Return a detectable difference in points; beyond LARGEST_GAP only that it is larger."""
    return f"{100 * difference:.1f}" if 100 * difference <= LARGEST_GAP else f"over {LARGEST_GAP}"


def listed(names: list[str]) -> str:
    """Return names as a sentence has them: "a, b and c"."""
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def markdown(table: pd.DataFrame) -> str:
    """Return a data frame as a table in Markdown."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy(dtype=object).tolist()]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)


def problem_line(row: Mapping[Any, Any]) -> str:
    """Return what a row of the board's problems says."""
    return f"{row['run'] or row['task'] + '/' + entry_name(row)}: {row['reason']}"

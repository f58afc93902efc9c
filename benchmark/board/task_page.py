"""The page of one task: who is first, and the figures behind it."""

from typing import Any

import numpy as np
import pandas as pd

from benchmark.board.pages import (
    best_first,
    in_points,
    names_of,
    of_task,
    other_metrics,
    ranked,
    rankings_of,
    with_interval,
)
from benchmark.board.render import render
from benchmark.board.tables import Board, entry_name, protocol_of
from benchmark.board.verdicts import verdicts
from benchmark.statistics.intervals import FEW_POSITIVES
from benchmark.statistics.slices import MIN_ROWS
from benchmark.tasks.registry import Task
from benchmark.training.recipes import IMPORTED, ImportedRecipe, Recipe, in_words, size_of, variant_of

# What the table of parts calls the slices and parts whose keys are not plain English.
_WORDS = {
    "gold labels": "number of correct labels",
    "training duplicates": "texts also in train",
    "clean": "no",
    "duplicate": "yes",
}
_SHOWN_ERRORS = ("ece_debiased", "brier", "nll")


def task_page(board: Board, task: Task) -> str:
    """Return a task's page as Markdown; what the board has no rows for is not on it."""
    main = best_first(board.cells, task)
    return render(
        "task.md.jinja",
        task=task,
        recipe=of_task(board.tasks, task)["recipe"].iloc[0],
        n=int(main["n"].iloc[0]),
        brackets=bool((main["variant"] != "").any()),
        verdicts=verdicts(board, task),
        **_rows_of(board, main, task),
        imported=_imported(board, task),
        others=_others(board, task).loc[main.index].rename_axis("encoder").reset_index(),
        gains=_gains(board, task) if task.multi_label else None,
        policies=_policies(board, task),
        stability=_stability(board, task) if task.multi_label else None,
        calibration=_calibration(board, task),
        slices=_slices(board, task),
        least_rows=MIN_ROWS,
        refits=_refits(board, task, main),
        anchors=_published(board.anchors, task),
        unmeasured=_published(board.unmeasured, task),
        tuning=_tuning(board, task),
        chosen=_chosen(board, task, main),
        costs=_named(board.costs, task),
        runs=_named(board.runs, task),
    )


def _rows_of(board: Board, main: pd.DataFrame, task: Task) -> dict[str, Any]:
    """The rows of the page: those with the default recipe, those that were tuned by their budget with what is said of
    neighbours, and the rest."""
    table = ranked(main, task).assign(caution=main["flags"])
    protocols = rankings_of(main)
    groups = {protocol: table[protocols == protocol] for protocol in protocols.dropna().unique()}
    trials = table[protocols.isna()].drop(columns="rank")
    ranks = groups.pop("", table[:0])
    no_effect = (ranks["standard error (seeds)"] == "0.0000").any()
    tuned = {budget: (rows, verdicts(board, task, budget)) for budget, rows in groups.items()}
    return {"ranks": ranks, "no_effect": no_effect, "tuned": tuned, "trials": trials}


def _imported(board: Board, task: Task) -> list[str]:
    """What is told of each imported entry: what its file held, and its costs in words."""
    rows = of_task(board.runs, task)
    told = {}
    for row in rows[rows["variant"] == IMPORTED].to_dict("records"):
        recipe = ImportedRecipe.model_validate_json(row["recipe"])
        held = "bare labels: it has none of the metrics that need scores" if recipe.imported == "labels" else "scores"
        told[entry_name(row)] = f"{entry_name(row)}: {held}{f'; cost: {recipe.cost}' if recipe.cost else ''}."
    return list(told.values())


def _others(board: Board, task: Task) -> pd.DataFrame:
    """The other metrics by the entry's name; where labels are too rare for their F1 to say much, the macro-F1 of the
    rest beside them."""
    table, rows = other_metrics(board.cells, task), of_task(board.labels, task)
    frequent = rows[rows["support"] >= FEW_POSITIVES] if task.multi_label and len(rows) else rows[:0]
    if 0 < len(frequent) < len(rows):
        of_entry = frequent.groupby(np.array(names_of(frequent)))["f1"].mean()
        table[f"f1_macro of labels with {FEW_POSITIVES} positives"] = of_entry.map("{:.4f}".format)
    return table


def _gains(board: Board, task: Task) -> pd.DataFrame:
    table: dict[str, dict[Any, str]] = {}
    for row in of_task(board.rules, task).to_dict("records"):
        cells = table.setdefault(entry_name(row), {})
        cells[row["rule"]] = f"{row['value']:.4f}" if row["rule"] == "fixed" else in_points(row, "gain")
        if row["rule"] == "per_label":
            cells["per_label over global"] = in_points(row, "over_global", "over_global_low", "over_global_high")
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("encoder").reset_index()


def _policies(board: Board, task: Task) -> pd.DataFrame:
    rows = []
    for row in of_task(board.policies, task).to_dict("records"):
        asked, other = ("precision", "recall") if "precision" in row["policy"] else ("recall", "precision")
        on_test = f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        by_metric = {asked: (on_test, row["default"]), other: (f"{row['other']:.3f}", row["default_other"])}
        cells = {"encoder": entry_name(row), "policy": row["policy"]}
        cells |= {metric: by_metric[metric][0] for metric in ("precision", "recall")} | {"verdict": row["verdict"]}
        rows.append(cells | {f"default {each}": f"{by_metric[each][1]:.3f}" for each in ("precision", "recall")})
    return pd.DataFrame(rows)


def _stability(board: Board, task: Task) -> pd.DataFrame:
    rows = []
    for (encoder, variant), of_entry in of_task(board.thresholds, task).groupby(["encoder", "variant"], sort=False):
        name = entry_name({"encoder": encoder, "variant": variant})
        own = of_entry[~of_entry["shared"].astype(bool)]
        among = ((own["low"] <= own["half_best_f1"]) & (own["half_best_f1"] <= own["high"])).sum()
        width = f"{(own['high'] - own['low']).median():.3f}" if len(own) else "–"
        rows.append((name, len(own), len(of_entry) - len(own), width, f"{among} of {len(own)}"))
    columns = ["encoder", "labels with their own threshold", "labels too rare for their own", "width of the interval"]
    columns.append("labels where half of the best F1 lies in the interval")
    return pd.DataFrame(rows, columns=columns)


def _calibration(board: Board, task: Task) -> pd.DataFrame:
    rows = of_task(board.calibration, task)
    rows = rows[rows["metric"].isin(_SHOWN_ERRORS)]
    errors = rows["metric"] + ", " + rows["calibrator"]
    table = pd.DataFrame({"encoder": names_of(rows), "error": errors, "text": with_interval(rows)}, index=rows.index)
    return table.pivot(index="encoder", columns="error", values="text").rename_axis(columns=None).reset_index()


def _slices(board: Board, task: Task) -> pd.DataFrame:
    table: dict[tuple[Any, ...], dict[Any, str]] = {}
    for row in of_task(board.slices, task).to_dict("records"):
        slice_, part = (_WORDS.get(row[name], row[name]) for name in ("slice", "part"))
        key = (slice_, part, row["metric"], row["n"])
        cells = table.setdefault(key, {"caution": ""})
        cells[entry_name(row)] = f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"
        told = [flag for flag in row["flags"].split("; ") if not flag.endswith(("seed", "seeds"))]  # of the entry
        cells["caution"] = "; ".join(dict.fromkeys(filter(None, [*cells["caution"].split("; "), *told])))
    names = ["slice", "part", "metric", "n"]
    return pd.DataFrame([dict(zip(names, key, strict=True)) | values for key, values in table.items()]).fillna("–")


def _tuning(board: Board, task: Task) -> pd.DataFrame:
    """One row for each search: the expected best score on validation after 1, 2, 4, ... trials, and after all."""
    rows, table = [], of_task(board.tuning, task)
    if not len(table):
        return table
    lengths = set(table.groupby("search")["trials"].max())
    shown = sorted(lengths | {2**power for power in range(max(lengths).bit_length())})
    words = {1: "the default", 2: "after 2 trials"}
    for name, search in table.groupby("search", sort=False):
        scores = dict(zip(search["trials"], search["expected_best"].map("{:.4f}".format), strict=True))
        last = search.iloc[-1]
        row = {"encoder": name} | {words.get(number, f"after {number}"): scores.get(number, "–") for number in shown}
        ended = {"trained to the end": f"{last['complete']} of {len(search)}", "minutes": f"{last['seconds'] / 60:.0f}"}
        rows.append(row | ended)
    return pd.DataFrame(rows)


def _chosen(board: Board, task: Task, main: pd.DataFrame) -> list[str]:
    """The recipe of each entry that was tuned, in words."""
    rows = of_task(board.runs, task).drop_duplicates(["encoder", "variant"])
    parameters, told = main["parameters"].to_dict(), []
    for row in rows.to_dict("records"):
        if protocol_of(row["variant"]):
            recipe, name = Recipe.model_validate_json(row["recipe"]), entry_name(row)
            changes = variant_of(recipe, task, size_of(parameters[name] / 1e6), row["encoder"])
            default = "" if changes else " (the default recipe)"
            told.append(f"{name}: {in_words(recipe)}{default}")
    return told


def _refits(board: Board, task: Task, main: pd.DataFrame) -> pd.DataFrame:
    """The variation between refits beside the parts of the error that the intervals cover."""
    rows = of_task(board.refits, task)
    rows = rows.set_index(pd.Index(names_of(rows), dtype=object))
    cells = main.loc[rows.index]
    once = cells["sd"].map("{:.4f}".format, na_action="ignore").where(cells["random"], "no seeds: deterministic")
    return pd.DataFrame(
        {
            "encoder": rows.index,
            "refits": rows["refits"],
            "train rows of each": rows["train_rows"],
            f"{task.main_metric}, mean": rows["value"].map("{:.4f}".format),
            "sd between refits": rows["sd_refits"].map("{:.4f}".format),
            "sd over seeds": once.fillna("–"),
            "standard error (rows)": cells["sd_rows"].map("{:.4f}".format),
        }
    )


def _published(table: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The figures that papers and model cards report, the highest first."""
    rows = of_task(table, task)
    if not len(rows):
        return rows
    rows = rows.drop(columns="task").sort_values("value", ascending=False, kind="stable")
    return rows.rename(columns={"published_is": "the published figure is"})


def _named(table: pd.DataFrame, task: Task) -> list[dict[Any, Any]]:
    """A table's rows of the task, each with the name of its entry."""
    return [row | {"name": entry_name(row)} for row in of_task(table, task).to_dict("records")]

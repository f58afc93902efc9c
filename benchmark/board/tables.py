"""What a leaderboard is: its tables, as they are kept and read back. `benchmark.board.build` computes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.training.recipes import IMPORTED
from zoo.errors import UserError
from zoo.files import write_bytes

KEYS = ["task", "encoder", "family", "variant"]
LENGTH = 64  # of the texts whose latency stands on the board, in tokens


@dataclass(frozen=True, eq=False)
class Board:
    """All tables of the board; in each, an entry is named by task, encoder, family and variant (in what its recipe
    differs from the task's default).

    cells: one row a (entry, rule, metric). `value` is the mean over seeds with its 95 % interval `low`, `high`; `sd`
        the standard deviation over seeds; `sd_rows`, `sd_seeds` the two parts of its standard error; `n` test rows;
        `flags` why the interval may be too narrow; `runs` the ids behind it; costs are medians over seeds. The rule is
        "scores" for what looks at the scores alone, "raw" for the same before the temperature. `rank_low` and
        `rank_high` stand at the task's main metric under its own rule.
    pairs: every two ranked entries of a task with one protocol compared (see `benchmark.statistics.ranks.compare_all`).
    overall: ranks across the tasks of a language, of the entries with a default recipe, computed on the tasks that each
        pair of encoders shares (see `benchmark.statistics.ranks.mean_ranks`).
    labels: precision, recall, F1 and average precision label by label, under the task's own rule.
    rules: what each decision rule gains over 0.5 (see `benchmark.statistics.rules.gains`).
    policies: whether two policies reach what they ask for (see
        `benchmark.statistics.policies_reached.standard_policies`).
    thresholds: how firm each label's threshold is (see `benchmark.statistics.rules.stability`).
    calibration: calibration errors before and after (see `benchmark.statistics.calibration.calibration`).
    reliability: what the reliability plots show (see `benchmark.statistics.calibration.reliability`).
    slices: the main metric on parts of the test rows (see `benchmark.statistics.slices.slices`).
    costs: one row a (entry, length of the texts): what training and prediction took, the median over seeds, and where.
    runs: one row a run: its id, folder, recipe, commit, versions and hardware, which is where every number comes from.
    anchors: published figures beside measured ones; unmeasured: those that nothing measured here stands beside.
    tuning: the expected best score after each number of trials of a search (see `benchmark.board.searches`).
    refits: how much scores depend on the train part (see `benchmark.board.train_samples.refit_table`).
    tasks: the tasks that it has, in order; columns task, spec (as JSON), recipe (see
        `benchmark.board.entries.shared_recipe`).
    problems: why a run is not on the board, or a declared recipe has no rank or is in doubt; columns task, encoder,
        variant, run (its folder; "" where the reason is of an entry), reason.
    """

    cells: pd.DataFrame
    pairs: pd.DataFrame
    overall: pd.DataFrame
    labels: pd.DataFrame
    rules: pd.DataFrame
    policies: pd.DataFrame
    thresholds: pd.DataFrame
    calibration: pd.DataFrame
    reliability: pd.DataFrame
    slices: pd.DataFrame
    costs: pd.DataFrame
    runs: pd.DataFrame
    anchors: pd.DataFrame
    unmeasured: pd.DataFrame
    tuning: pd.DataFrame
    refits: pd.DataFrame
    tasks: pd.DataFrame
    problems: pd.DataFrame


def protocol_of(variant: str) -> str | None:
    """Return the protocol by which a variant takes a rank: "" for the task's default, the budget for what a search
    found, None for a trial or an ablation.

    Predictions from elsewhere stand beside the defaults. A baseline on tiny data counts rarer terms than the default
    does (see `benchmark.training.baseline.fit_min_df`).
    """
    if variant in ("", "min_df=1", IMPORTED):
        return ""
    return variant if re.fullmatch(r"tuned over \d+ trials", variant) else None


def entry_name(row: Mapping[Any, Any]) -> str:
    """Return how an entry is called, from a row with its keys."""
    return f"{row['encoder']} [{row['variant']}]" if row["variant"] else str(row["encoder"])


def write_tables(board: Board, folder: Path) -> list[Path]:
    """Write every table of the board as parquet; return the paths."""
    paths = []
    for field in fields(board):
        path = folder / f"{field.name}.parquet"
        write_bytes(path, getattr(board, field.name).to_parquet(index=False))
        paths.append(path)
    return paths


def read_tables(folder: Path) -> Board:
    """Read back what `write_tables` wrote.

    Raises:
        UserError: a table is missing or damaged.
    """
    return Board(**{field.name: _read_table(folder / f"{field.name}.parquet") for field in fields(Board)})


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        what = f"{path.name} is {'damaged' if path.is_file() else 'missing'}"
        raise UserError(
            f"{path.parent} holds no readable board ({what}); make it again: "
            f"encoder-zoo board --results {path.parents[1]}"
        ) from error

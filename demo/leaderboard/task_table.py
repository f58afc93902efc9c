"""The table of a task, as plain numbers: one entry an encoder, with its trials and ablations folded under it."""

from typing import TYPE_CHECKING, Any

from demo.leaderboard.links import encoder_links
from demo.leaderboard.words import rank_note
from demo.shared.texts import Language

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.board.tables import Board
    from benchmark.tasks.registry import Task

Opens = dict[tuple[str, str, str], str]  # the checkpoint that opens, by task, encoder and variant
# The columns that are always shown beside rank, encoder and main metric, and the board's names for them.
USUAL = {
    "seeds": "seeds",
    "parameters (M)": "parameters",
    "latency p50 (ms)": "p50_ms",
    "training (s)": "train_seconds",
}
_MORE = {
    "sd over seeds": "sd",
    "standard error (rows)": "sd_rows",
    "standard error (seeds)": "sd_seeds",
    "training (texts/s)": "train_examples_per_second",
    "latency p95 (ms)": "p95_ms",
    "prediction (texts/s)": "texts_per_second",
    "MiB": "peak_memory_mib",
    "truncated": "truncated",
}


def columns_of(board: "Board", task: "Task") -> list[str]:
    """Return the names of the columns with numbers: the usual ones, other metrics, and more costs."""
    return [*USUAL, *_others(board, task).columns, *_MORE]


def entries_of(board: "Board", task: "Task", opens: Opens, page: Language) -> list[dict[str, Any]]:
    """Return a task's entries, ranked ones before others and the best first.

    Each has encoder, variant, family, `rank` (two numbers, or None) with `why` (see `rank_note`), `value` with its
    interval, `numbers` by column (None where there is none), `flags` of its interval, the checkpoint that `opens`, and
    its links.
    An entry that is a trial or an ablation is `folded` under another of its encoder, if there is one.
    """
    from benchmark.board.pages import best_first

    main = best_first(board.cells, task)
    others = _others(board, task).reindex(main.index)
    rows = [
        _entry(row, dict(zip(others.columns, other, strict=True)), task, opens, page)
        for row, other in zip(main.to_dict("records"), others.to_numpy().tolist(), strict=True)
    ]
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        row["folded"] = not row["declared"] and row["encoder"] in first
        first.setdefault(row["encoder"], row)
    return rows


def _others(board: "Board", task: "Task") -> "pd.DataFrame":
    import pandas as pd

    from benchmark.board.pages import other_metrics

    return other_metrics(board.cells, task).apply(pd.to_numeric, errors="coerce")


def _entry(row: dict[Any, Any], others: dict[str, float], task: "Task", opens: Opens, page: Language) -> dict[str, Any]:
    import pandas as pd

    from benchmark.board.tables import entry_name, protocol_of

    ranked = pd.notna(row["rank_low"])
    numbers = {name: row[key] for name, key in (USUAL | _MORE).items()} | others
    numbers["parameters (M)"] = row["parameters"] / 1e6
    return {
        "name": entry_name(row),
        "encoder": row["encoder"],
        "variant": row["variant"],
        "family": row["family"],
        "declared": protocol_of(row["variant"]) is not None,
        "rank": [int(row["rank_low"]), int(row["rank_high"])] if ranked else None,
        "why": rank_note(row, page),
        "value": row["value"],
        "low": row["low"],
        "high": row["high"],
        "numbers": {name: None if pd.isna(value) else float(value) for name, value in numbers.items()},
        "flags": row["flags"],
        "opens": opens.get((task.name, row["encoder"], row["variant"]), ""),
        **encoder_links(row["encoder"]),
    }

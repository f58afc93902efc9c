"""The commands that fine-tune: run for the registered tasks, run-data for data of one's own."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands.board_cli import COMPARE, OURS, check_data_dir, names_of
from benchmark.commands.how_cli import (
    Checkpointing,
    LongText,
    MicroBatch,
    PolicyWords,
    Recipe,
    Teacher,
    Threads,
    json_object,
)
from benchmark.commands.refit_cli import ResampleTrain, refit_all
from benchmark.commands.what_cli import (
    ENCODERS,
    WHAT,
    DataDir,
    DryRun,
    Encoders,
    FirstSeed,
    Keep,
    ProbeFirst,
    RunsTo,
    Seeds,
)
from benchmark.commands.where_cli import (
    Gpus,
    GpuShare,
    Memory,
    Ray,
    Where,
    Workers,
    launched,
    make_folders,
    run_cells,
)
from benchmark.tasks.registry import TASKS, Task
from benchmark.training.memory import WHOLE_BATCHES, MemoryOptions
from zoo.cli import Encoding, Names, Quotes, Separator, say
from zoo.encoders.registry import Encoder, get_encoder, used_as
from zoo.errors import UserError, lookup
from zoo.policy import Policy, parse_policy
from zoo.row_files.format import choose_format

if TYPE_CHECKING:
    from benchmark.tasks.rows import Rows
    from benchmark.training.cell import Cell
    from benchmark.training.teacher import Teacher as Teaches

app = typer.Typer()

DATA = "Your data"


@dataclass(frozen=True)
class Asked:
    """What `run` and `run-data` are asked for alike."""

    encoders: list[Encoder]
    seeds: range
    changes: dict[str, Any]
    teacher: "Teaches | None"
    policy: Policy
    fit: MemoryOptions
    where: Where
    results: Path
    checkpoints: Path | None
    dry_run: bool

    def plan(self, rows: "dict[Task, Rows]") -> "list[Cell]":
        from benchmark.training.grid import plan

        for task in rows:
            self.policy.goals(task.labels)
        if self.teacher and not self.dry_run:
            say("asking the teacher about the train rows")
            rows = {task: self.teacher.teach(task, of) for task, of in rows.items()}
        cells = plan(rows, self.encoders, self.seeds, self.results, **self.changes)
        return [replace(cell, memory=self.fit) for cell in cells]

    def plan_probes(self, rows: "dict[Task, Rows]") -> "list[Cell]":
        """Return one run of a probe of each encoder that is fine-tuned."""
        from benchmark.training.grid import plan
        from benchmark.training.recipes import ProbeRecipe, other_fields

        probes = [used_as(encoder, "probe") for encoder in self.encoders if encoder.fine_tuned]
        if not probes:
            raise UserError("--probe-first does not apply: no encoder is fine-tuned; leave it out")
        own = {name: value for name, value in self.changes.items() if name not in other_fields(ProbeRecipe)}
        return plan(rows, probes, self.seeds[:1], self.results, **own)


@app.command(rich_help_panel=COMPARE)
@launched
def run(
    context: typer.Context,
    tasks: Annotated[
        str, typer.Option(help="Names, with commas between them; encoder-zoo tasks lists them.", rich_help_panel=WHAT)
    ],
    encoders: Encoders = ENCODERS,
    seeds: Seeds = 3,
    first_seed: FirstSeed = 0,
    dry_run: DryRun = False,
    probe_first: ProbeFirst = False,
    resample_train: ResampleTrain = None,
    recipe: Recipe = "{}",
    long_text: LongText = "",
    teacher: Teacher = "",
    policy: PolicyWords = None,
    micro_batch: MicroBatch = 0,
    gradient_checkpointing: Checkpointing = False,
    threads: Threads = 0,
    workers: Workers = 1,
    gpus: Gpus = "",
    ray: Ray = "",
    gpu_share: GpuShare = None,
    memory: Memory = 0.0,
    results: RunsTo = OURS,
    checkpoints: Keep = None,
    data_dir: DataDir = None,
) -> None:
    """Fine-tune encoders on registered tasks. Complete runs are skipped."""
    from benchmark.tasks.rows import read_rows

    where = Where(threads, gpus, workers, ray, gpu_share, memory, launchable=not resample_train)
    fit = MemoryOptions(micro_batch, gradient_checkpointing)
    asked = _asked(
        encoders, first_seed, seeds, recipe, long_text, teacher, policy, fit, where, results, checkpoints, dry_run
    )
    chosen = [lookup(TASKS, name, "task") for name in names_of("--tasks", tasks)]
    check_data_dir(context, chosen)
    if resample_train:
        train = partial(run_cells, results=results, checkpoints=None, where=where)
        refit_all(context, chosen, asked.encoders, resample_train, results, data_dir, dry_run, train)
        return
    rows = {task: read_rows(task, data_dir, say) for task in chosen}
    _run(asked.plan(rows), asked, asked.plan_probes(rows) if probe_first else [])


@app.command(rich_help_panel=COMPARE)
@launched
def run_data(
    source: Annotated[
        str, typer.Argument(help="A CSV, TSV, text, JSON or parquet file, a folder of splits, or hub:NAME\\[:CONFIG].")
    ],
    label_column: Annotated[
        str, typer.Option(help="Column with the one label of each row.", rich_help_panel=DATA)
    ] = "",
    label_list: Annotated[
        str, typer.Option(help="Column with all labels of each row: a list, or text.", rich_help_panel=DATA)
    ] = "",
    label_columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns of 0 and 1, with commas between them; or the option once for each name.",
            rich_help_panel=DATA,
            show_default=False,
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="Text between two labels of --label-list; | if not given.", rich_help_panel=DATA),
    ] = None,
    text_column: Annotated[str, typer.Option(help="Column with the texts.", rich_help_panel=DATA)] = "text",
    group_column: Annotated[
        str, typer.Option(help="Column that rows of one document, user or thread share.", rich_help_panel=DATA)
    ] = "",
    name: Annotated[
        str, typer.Option(help="Name of the new task; that of the source if not given.", rich_help_panel=DATA)
    ] = "",
    language: Annotated[
        str, typer.Option(help="Language: en or zh; any for others or several.", rich_help_panel=DATA)
    ] = "any",
    splits_to: Annotated[
        Path | None,
        typer.Option(
            help="Keep the split rows below this folder; other commands take it as --data-dir.", rich_help_panel=DATA
        ),
    ] = None,
    encoding: Encoding = "",
    separator: Separator = "",
    columns: Names = "",
    quotes: Quotes = None,
    encoders: Encoders = ENCODERS,
    seeds: Seeds = 3,
    first_seed: FirstSeed = 0,
    dry_run: DryRun = False,
    probe_first: ProbeFirst = False,
    recipe: Recipe = "{}",
    long_text: LongText = "",
    teacher: Teacher = "",
    policy: PolicyWords = None,
    micro_batch: MicroBatch = 0,
    gradient_checkpointing: Checkpointing = False,
    threads: Threads = 0,
    workers: Workers = 1,
    gpus: Gpus = "",
    ray: Ray = "",
    gpu_share: GpuShare = None,
    memory: Memory = 0.0,
    results: RunsTo = OURS,
    checkpoints: Keep = None,
) -> None:
    """Fine-tune encoders on data of your own. Complete runs are skipped."""
    from benchmark.commands.console import reading_progress, show_report
    from benchmark.own_data.columns import choose_columns
    from benchmark.own_data.data_page import write
    from benchmark.own_data.own_task import declare, prepare
    from benchmark.tasks.rows import write_splits

    where = Where(threads, gpus, workers, ray, gpu_share, memory, launchable=True)
    fit = MemoryOptions(micro_batch, gradient_checkpointing)
    asked = _asked(
        encoders, first_seed, seeds, recipe, long_text, teacher, policy, fit, where, results, checkpoints, dry_run
    )
    given = choose_format(encoding, separator, columns, quotes)
    chosen = choose_columns(text_column, label_column, label_list, label_columns or (), delimiter, group_column)
    declared = declare(source, chosen, name, language, given)
    at_hand = [encoder for encoder in asked.encoders if not (dry_run and encoder.source == "hub")]
    with reading_progress() as report:
        own = prepare(declared, at_hand, asked.changes, results, report)
    show_report(own.report)
    cells = asked.plan({own.task: own.rows})
    if not dry_run:
        make_folders(results, checkpoints, splits_to)
        kept = [write_splits(own.task, own.rows, splits_to)] if splits_to else []
        for path in [*write(own.report, results / own.task.name), *kept]:
            say(f"wrote {path}")
    _run(cells, asked, asked.plan_probes({own.task: own.rows}) if probe_first else [])


def _asked(
    encoders: str,
    first_seed: int,
    seeds: int,
    recipe: str,
    long_text: str,
    teacher: str,
    policy: list[str] | None,
    fit: MemoryOptions,
    where: Where,
    results: Path,
    checkpoints: Path | None,
    dry_run: bool,
) -> Asked:
    from benchmark.training.grid import check_changes
    from benchmark.training.teacher import read_teacher

    chosen = [get_encoder(name, say) for name in names_of("--encoders", encoders)]
    changes = json_object(recipe)
    if long_text and "long_text" in changes:
        raise UserError("--long-text and long_text in --recipe say the same thing; give one of them")
    changes |= {"long_text": long_text} if long_text else {}
    taught = read_teacher([Path(folder) for folder in names_of("--teacher", teacher)]) if teacher else None
    changes |= {"teacher": taught.name} if taught else {}
    check_changes(changes, chosen)
    if checkpoints and not any(encoder.leaves_checkpoint for encoder in chosen):
        raise UserError(
            f"--checkpoints does not apply: {chosen[0].name} leaves no checkpoint; leave it out, or add an encoder"
        )
    if policy and not checkpoints:
        raise UserError("--policy is kept in a model's decision.json, and no model is kept; give --checkpoints")
    if fit != WHOLE_BATCHES and not any(encoder.fine_tuned for encoder in chosen):
        raise UserError(
            "--micro-batch and --gradient-checkpointing do not apply: no encoder is fine-tuned; leave them out"
        )
    seed_range = range(first_seed, first_seed + seeds)
    said = parse_policy(policy or [])
    return Asked(chosen, seed_range, changes, taught, said, fit, where, results, checkpoints, dry_run)


def _run(cells: "list[Cell]", asked: Asked, probes: "list[Cell]") -> None:
    """Run the grid, with the probes before it, or only show it."""
    from benchmark.board.store import publish
    from benchmark.commands.console import show_board, show_plan
    from benchmark.training.look_ahead import find_faults

    if asked.dry_run:
        show_plan([*probes, *cells])
        faults = find_faults([*probes, *cells], say)
        for name, fault in faults.items():
            say(f"{name}: {fault}", "red")
        if faults:
            raise UserError(f"{len(faults)} of the encoders cannot be trained as asked; see above")
        return
    if probes:
        run_cells(probes, asked.results, None, asked.where)
        show_board(publish(asked.results)[0])
        say("That is what the encoders know before they are fine-tuned. Now they are.")
    run_cells(cells, asked.results, asked.checkpoints, asked.where, asked.policy)

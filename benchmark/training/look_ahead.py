"""What will keep an encoder from being trained as asked, found before anything is trained."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from benchmark.training.cell import Cell, checked_weights
from benchmark.training.recipes import BaselineRecipe, Recipe, SetFitRecipe
from zoo.errors import UnreachableError, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def find_faults(cells: Iterable[Cell], say: Callable[[str], object] = lambda line: None) -> dict[str, str]:
    """Return why encoders cannot be trained as their recipes ask, by the encoder's name.

    Of a model of the hub only the config and the tokenizer are fetched. `say` is called with a line for the size of its
    weights, and for one that cannot be looked at, since nobody answers.
    """
    to_check = {
        (cell.encoder.name, cell.recipe.max_length): cell
        for cell in cells
        if isinstance(cell.recipe, Recipe)
        or (not isinstance(cell.recipe, BaselineRecipe) and cell.encoder.source != "hub")
        if not cell.done
    }
    faults = {}
    for (name, _), cell in to_check.items():
        check = _look_ahead if cell.encoder.source == "hub" else _check_at_hand
        try:
            check(cell, say)
        except UnreachableError as error:
            say(f"{name}: not checked, since the hub cannot be asked. {error}")
        except UserError as error:
            faults[name] = str(error)
    return faults


def _look_ahead(cell: Cell, say: Callable[[str], object]) -> None:
    """Check a cell's encoder of the hub as far as its small files tell, and say what it will cost."""
    from benchmark.training.memory import memory_estimate
    from zoo.checkpoints.pretrained import check_without_weights
    from zoo.encoders.hub_models import look_ahead

    assert isinstance(cell.recipe, Recipe)
    ahead = look_ahead(cell.encoder, say)
    model = check_without_weights(ahead.folder, cell.recipe.max_length)
    fetched = f"{ahead.to_fetch / 1e6:,.0f} MB to fetch" if ahead.to_fetch else "its weights are in the local cache"
    memory = memory_estimate(model, cell.recipe, cell.memory) / 2**30
    length = f"with all texts of {cell.recipe.max_length} tokens"
    say(f"{cell.encoder.name}: {fetched}; training will take about {memory:.1f} GiB of memory {length}")
    _check_options(cell, model, say)


def _check_at_hand(cell: Cell, say: Callable[[str], object]) -> None:
    from zoo.checkpoints.pretrained import check_without_weights

    if isinstance(cell.recipe, SetFitRecipe):
        from benchmark.training.few_shot import find_setfit

        find_setfit()
    weights = checked_weights(cell.encoder, cell.recipe, say)
    if isinstance(cell.recipe, Recipe):
        _check_options(cell, check_without_weights(weights.folder, cell.recipe.max_length), say)


def _check_options(cell: Cell, model: "PreTrainedModel", say: Callable[[str], object]) -> None:
    """Check that a training can be made to fit as it is asked to, and say what long texts cost."""
    from benchmark.training.lora import find_peft
    from benchmark.training.memory import check_checkpointing, tell_length

    assert isinstance(cell.recipe, Recipe)
    check_checkpointing(model, cell.memory)
    if cell.recipe.lora_rank:
        find_peft()
    if line := tell_length(model, cell.recipe, cell.recipe.max_length, cell.memory):
        say(f"{cell.encoder.name}: {line}")

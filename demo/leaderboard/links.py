"""Where more is said of an encoder or a dataset, as far as the registries know."""

from typing import TYPE_CHECKING

from zoo.encoders.registry import ENCODERS

if TYPE_CHECKING:
    from benchmark.tasks.registry import Task

_HUB = "https://huggingface.co/"


def encoder_links(name: str) -> dict[str, str]:
    """Return the `link` of an encoder's own page and its `licence`; "" where they are not known."""
    known = ENCODERS.get(name)
    if known is None:
        return {"link": "", "licence": ""}
    return {"link": f"{_HUB}{known.hub_id}" if known.hub_id else "", "licence": known.licence}


def dataset_link(task: "Task") -> str:
    """Return the page of a task's dataset on the hub; "" where its rows are from elsewhere."""
    return f"{_HUB}datasets/{task.hub.dataset}" if task.hub else ""

"""Recipes: everything that shapes a fine-tuning, seed included; and the default recipe of an encoder on a task."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from benchmark.tasks.registry import Task
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError, lookup
from zoo.long_text import LongText
from zoo.pooling import Pooling

Share = Annotated[float, Field(ge=0, lt=1)]
SEEDS = range(2**32)  # as numpy takes them
Seed = Annotated[int, Field(ge=0, lt=len(SEEDS))]
Count = Annotated[int, Field(ge=1)]
Tokens = Annotated[int, Field(ge=8)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Size = Literal["small", "base", "large"]


class Frozen(BaseModel):
    """What no recipe can do: change, or hold a field that it does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(Frozen):
    """How an encoder is fine-tuned.

    epochs: passes over the train rows; more of them, as many as `min_steps` updates need. learning_rate: of AdamW; it
    rises over the first `warmup` share of the steps and then falls linearly to zero. layer_decay: the rate of each
    layer is that of the layer above times this number (Howard and Ruder 2018); 1 gives all layers the same rate.
    max_length: tokens of a text that are read. long_text: what happens to longer texts (see `zoo.long_text`). pooling:
    what of a text the head reads (see `zoo.pooling`). lora_rank: above 0, each matrix of the encoder learns a
    difference of this rank alone (see `benchmark.training.lora`). dropout: None keeps the encoder's own.
    freeze_embeddings: the word embeddings are not trained, which saves about half of the time of a step on a CPU. loss:
    a multi-label loss is the `sum` over the labels, or their `mean` as in transformers, which divides the gradient by
    the number of labels. label_prior: the bias of the head starts at the labels' log odds in train. balanced: each
    class is weighted by the inverse of its frequency. precision: `auto` is bf16 on hardware that multiplies in bf16,
    and else fp32. teacher: the models whose logits are learnt beside the labels (see `benchmark.training.teacher`).
    seed: of everything random.
    """

    epochs: Count = 3
    min_steps: Annotated[int, Field(ge=0)] = 0
    batch_size: Count = 64
    learning_rate: Positive = 2e-4
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.01
    warmup: Share = 0.1
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_length: Tokens = 128
    long_text: LongText = "truncate"
    pooling: Pooling = "head"
    lora_rank: Annotated[int, Field(ge=0)] = 0
    dropout: Share | None = None
    freeze_embeddings: bool = True
    loss: Literal["sum", "mean"] = "sum"
    label_prior: bool = True
    balanced: bool = False
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    teacher: str = ""
    seed: Seed = 0

    @model_validator(mode="after")
    def _teacher_without_weights(self) -> Self:
        if self.teacher and self.balanced:
            raise ValueError("a teacher's logits know no class weights; leave balanced or the teacher out")
        return self


class BaselineRecipe(Frozen):
    """How the TF-IDF and logistic regression baseline is trained.

    analyzer: whether terms are made of words or of characters. ngrams: the shortest and the longest term, in words or
    characters. min_df: a term counts if at least so many train texts have it; for the default on tiny data see
    `benchmark.training.baseline.fit_min_df`. inverse_regularisation: scikit-learn's C.
    """

    analyzer: Literal["word", "char"] = "word"
    ngrams: tuple[Count, Count] = (1, 2)
    min_df: Count = 2
    inverse_regularisation: Positive = 10.0
    seed: Seed = 0

    @model_validator(mode="after")
    def _shortest_first(self) -> Self:
        if self.ngrams[0] > self.ngrams[1]:
            raise ValueError("ngrams go from the shortest to the longest")
        return self


class ProbeRecipe(Frozen):
    """How a linear probe is trained: one logistic regression a label on the mean of the last layer's states.

    max_length: tokens of a text that are read. candidates: scikit-learn's C, of which validation chooses one.
    """

    max_length: Tokens = 128
    candidates: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.001, 0.01, 0.1, 1.0)
    seed: Seed = 0


class ZeroShotRecipe(Frozen):
    """How texts are compared with the labels' names.

    max_length: tokens of a text that are read. template: what stands for a label; its name takes the place of {}.
    """

    max_length: Tokens = 128
    template: Annotated[str, Field(pattern=r"\{\}")] = "{}"
    seed: Seed = 0


class SetFitRecipe(Frozen):
    """How SetFit trains an encoder on few rows (Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts"):
    texts with a label in common come nearer to each other, others further apart. A logistic regression then reads it.

    The encoder says how many rows each label has. iterations: pairs with and pairs without a common label, each so many
    times the rows. The defaults are the paper's and the library's. seed: draws the rows, too.
    """

    max_length: Tokens = 128
    iterations: Count = 20
    batch_size: Count = 16
    learning_rate: Positive = 2e-5
    inverse_regularisation: Positive = 1.0
    seed: Seed = 0


IMPORTED = "imported"  # the family of models from elsewhere


class ImportedRecipe(Frozen):
    """What is known of predictions that were not made here: no recipe.

    imported: what the file held. cost: the user's words on what the predictions cost. seed: tells several sets of
    predictions of one model apart.
    """

    imported: Literal["probabilities", "logits", "labels"]
    cost: str = ""
    seed: Seed = 0


Deterministic = BaselineRecipe | ProbeRecipe | ZeroShotRecipe  # every seed makes the same predictions
AnyRecipe = Recipe | Deterministic | SetFitRecipe
_KINDS: dict[str, type[AnyRecipe]] = {
    "fine-tuned": Recipe,
    "probe": ProbeRecipe,
    "zero-shot": ZeroShotRecipe,
    "setfit": SetFitRecipe,
}


# Found on encoders of 22 to 30 million weights; see docs/recipes.md.
_TASK_DEFAULTS: dict[str, dict[str, Any]] = {
    "feedback": {"epochs": 36, "batch_size": 16, "learning_rate": 3e-4},
    "feedback_zh": {"epochs": 10, "batch_size": 16, "learning_rate": 3e-4},
    "sst2": {"epochs": 3, "batch_size": 32, "learning_rate": 5e-5, "dropout": 0.0, "freeze_embeddings": False},
    "go_emotions": {"epochs": 3, "learning_rate": 3e-4},
    "reuters21578": {"epochs": 4, "batch_size": 32, "learning_rate": 3e-4},
    "duee_event_types": {"epochs": 5, "batch_size": 32, "learning_rate": 3e-4},
    "chnsenticorp": {
        "epochs": 3,
        "batch_size": 32,
        "learning_rate": 1e-4,
        "dropout": 0.0,
        "freeze_embeddings": False,
        "long_text": "head-tail",
    },
}
_OTHER_TASKS: dict[str, Any] = {"min_steps": 500}
_SIZE_DEFAULTS: dict[Size, dict[str, Any]] = {
    "small": {},
    "base": {"min_steps": 500, "learning_rate": 5e-5, "dropout": None, "freeze_embeddings": False},
    "large": {"min_steps": 500, "learning_rate": 2e-5, "dropout": None, "freeze_embeddings": False},
}
# Where the validation scores of one encoder choose another recipe; see docs/recipes.md.
_ENCODER_DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("granite-30m", "sst2"): {"epochs": 2, "learning_rate": 1e-4},
}


def size_of(parameters: float) -> Size:
    """Return the class of an encoder by its millions of weights, embeddings included: at most 50, at most 250, more."""
    return "small" if parameters <= 50 else "base" if parameters <= 250 else "large"


def kind_of(encoder: Encoder) -> type[AnyRecipe]:
    """Return the kind of recipe that an encoder has."""
    return BaselineRecipe if encoder.source == "none" else _KINDS[encoder.use]


def other_fields(kind: type[AnyRecipe]) -> set[str]:
    """Return the fields that only the other kinds of recipes have."""
    return set().union(*(each.model_fields for each in (*_KINDS.values(), BaselineRecipe))) - set(kind.model_fields)


def default_recipe(encoder: Encoder, task: Task, seed: int, /, **changes: Any) -> AnyRecipe:
    """Return the default recipe of `encoder` on `task`, with `seed` and `changes`.

    Args:
        encoder: one without weights gets a recipe of the TF-IDF baseline, and a probe its own; else its size decides,
            unless it has a default of its own.
        task: the default fits its texts and its number of rows.
        seed: of everything random.
        changes: fields of the recipe and their values. Fields of the other kinds of recipes are ignored, so that one
            set of changes can serve a grid with all kinds. Whoever gives `epochs` gets so many, and no `min_steps`.

    Raises:
        UserError: a change is a field of neither recipe, or its value is out of range.
    """
    if "seed" in changes:
        raise UserError("Recipe: seed: every run of a grid has its own; choose them with --seeds and --first-seed")
    kind = kind_of(encoder)
    own = {name: value for name, value in changes.items() if name not in other_fields(kind)}
    for name in own:
        lookup(kind.model_fields, name, "field of the recipe")
    defaults = _defaults(kind, size_of(encoder.parameters), task, encoder.name)
    if "epochs" in own:
        defaults.pop("min_steps", None)
    try:
        return kind.model_validate({**defaults, "seed": seed, **own})
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # of several fields together
            raise UserError(f"Recipe: {first['ctx']['error']}") from error
        field = ".".join(map(str, first["loc"]))
        raise UserError(f"Recipe: {field}: {first['msg']}, got {first['input']!r}") from error


def _defaults(kind: type[AnyRecipe], size: Size, task: Task, encoder: str) -> dict[str, Any]:
    if kind is BaselineRecipe:
        return {} if task.language == "en" else {"analyzer": "char", "ngrams": (1, 3)}
    if kind is not Recipe:
        return {}
    of_encoder = _ENCODER_DEFAULTS.get((encoder, task.name), {})
    return {**_TASK_DEFAULTS.get(task.name, _OTHER_TASKS), **_SIZE_DEFAULTS[size], **of_encoder}


def variant_of(recipe: AnyRecipe, task: Task, size: Size, encoder: str = "") -> str:
    """Return how a recipe differs from the default on this task, such as "loss=mean": from that of encoders of this
    size, or of this encoder where it has its own.

    It is "" for the default itself. A run that was asked for bf16 has the recipe of one that took it by `auto`.
    """
    found, kind = recipe.model_dump(), type(recipe)
    default = kind(**_defaults(kind, size, task, encoder)).model_dump() | {"seed": recipe.seed}
    if found.get("precision") == "bf16":
        found["precision"] = "auto"
    if found.get("epochs") != default.get("epochs"):
        default["min_steps"] = found["min_steps"]  # it is the default's own means of choosing the epochs
    return ", ".join(f"{name}={value}" for name, value in found.items() if value != default[name])


def epochs_of(recipe: Recipe, rows: int) -> int:
    """Return how many epochs are trained on so many rows: those of the recipe, or as many as `min_steps` needs."""
    return max(recipe.epochs, math.ceil(recipe.min_steps / math.ceil(rows / recipe.batch_size)))


def in_words(recipe: Recipe) -> str:
    """Return the settings that a search draws."""
    return (
        f"learning rate {recipe.learning_rate:.2g}, {recipe.epochs} epochs, batches of {recipe.batch_size}, "
        f"{recipe.max_length} tokens"
    )

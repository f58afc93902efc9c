"""The three pretraining recipes. They differ only in what defines each recipe.

- `bert`: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers". 15 % of the pieces are chosen
  once for each of several copies of the data (static). 80 % of them become [MASK], 10 % a random piece, 10 % stay.
  Sequences are sentence pairs with next sentence prediction (NSP).
- `roberta`: Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach". Pieces are chosen anew at
  each visit (dynamic). Sequences are packed with full sentences, there is no NSP, and batches are larger.
- `bert-wwm`: Cui et al. 2019, "Pre-Training with Whole Word Masking for Chinese BERT". As `bert`, but all pieces of a
  chosen word are masked together. Whitespace separates words in English, and jieba segments them in Chinese; the
  published models used LTP's segmentation.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from zoo.errors import UserError, first_fault, lookup


class PretrainRecipe(BaseModel):
    """Everything that shapes a pretraining, except the corpus and the start.

    `tokens` is the budget: the number of tokens seen after the head's own training on `head_tokens`, with special
    tokens and without padding. `copies` is the number of masks that a static recipe fixes for each sequence.
    `short_share` is the share of the tokens that come first, in sequences of a quarter of `length` and four times as
    many a batch.

    Learning rate and budget were tried together. They are small so that the encoder keeps what its start knows.
    2,000,000 tokens at 5e-4 filled in more masked pieces (`bert` on minilm-l6, held-out loss 4.34 against 5.23). But
    fine-tuned on `feedback`, that encoder had .724 on validation; its start has .804, and the encoder made with these
    defaults .799.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    masking: Literal["piece", "word"]
    dynamic: bool
    nsp: bool
    batch_size: Annotated[int, Field(ge=1)] = 16
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    copies: Annotated[int, Field(ge=1)] = 10
    masked_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    length: Annotated[int, Field(ge=8, le=512)] = 128
    tokens: Annotated[int, Field(ge=1)] = 500_000
    short_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    head_tokens: Annotated[int, Field(ge=0)] = 400_000
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.06
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    freeze_embeddings: bool = True
    seed: Annotated[int, Field(ge=0)] = 0

    @field_validator("short_share")
    @classmethod
    def _long_enough(cls, value: float, info: ValidationInfo) -> float:
        if value and info.data.get("length", 0) < 32:
            raise ValueError("a quarter of the length would be less than 8 tokens")
        return value

    def parts(self) -> "list[PretrainRecipe]":
        """Return the recipe as parts of one length each: short sequences first, if the recipe has any."""
        short_tokens = min(round(self.short_share * self.tokens), self.tokens - 1)
        if not short_tokens:
            return [self]
        short = {"tokens": short_tokens, "length": self.length // 4, "batch_size": 4 * self.batch_size}
        return [self.model_copy(update=part) for part in (short, {"tokens": self.tokens - short_tokens})]


RECIPES: dict[str, PretrainRecipe] = {
    recipe.name: recipe
    for recipe in (
        PretrainRecipe(name="bert", masking="piece", dynamic=False, nsp=True),
        PretrainRecipe(name="roberta", masking="piece", dynamic=True, nsp=False, batch_size=64, learning_rate=2e-4),
        PretrainRecipe(name="bert-wwm", masking="word", dynamic=False, nsp=True),
    )
}


def get_recipe(name: str, **changes: Any) -> PretrainRecipe:
    """Return the recipe `name` with `changes`; a change that is None is left out.

    Raises:
        UserError: there is no such recipe, or a change is out of range.
    """
    given = {field: value for field, value in changes.items() if value is not None}
    try:
        return PretrainRecipe.model_validate(lookup(RECIPES, name, "recipe").model_dump() | given)
    except ValidationError as error:
        raise UserError(f"Recipe {name}: {first_fault(error)}") from error

"""The vocabularies of models that start from nothing."""

import pytest

from zoo.pretraining.vocabulary import SIZE, train_tokenizer


@pytest.mark.parametrize("recipe", ["bert", "roberta"])
def test_there_are_pieces_of_several_characters_even_where_there_are_more_characters_than_pieces(recipe: str) -> None:
    characters = [chr(number) for number in range(0x4E00, 0x4E00 + SIZE + 500)]
    tokenizer = train_tokenizer(recipe, [*characters, *["learning and unlearning"] * 50])
    assert len(tokenizer) <= SIZE
    assert len(tokenizer.tokenize("learning")) == 1
    assert len(tokenizer.tokenize("unlearning")) <= 2

"""The did-you-mean lookup."""

import pytest

from zoo.errors import UserError, lookup

REGISTRY = {"roberta-base": 1, "bert-base-uncased": 2}


def test_a_known_name_is_looked_up() -> None:
    assert lookup(REGISTRY, "bert-base-uncased", "encoder") == 2


def test_a_near_miss_is_named_and_all_entries_listed() -> None:
    with pytest.raises(UserError) as caught:
        lookup(REGISTRY, "robrta-base", "encoder")
    expected = "Unknown encoder 'robrta-base'. Did you mean 'roberta-base'? All: roberta-base, bert-base-uncased"
    assert str(caught.value) == expected


def test_a_far_miss_gets_no_suggestion() -> None:
    with pytest.raises(UserError, match=r"^Unknown task 'zzz'\. All: roberta-base, bert-base-uncased$"):
        lookup(REGISTRY, "zzz", "task")

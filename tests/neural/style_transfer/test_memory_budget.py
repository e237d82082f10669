"""Budgets as recipes write them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from stylepipe.neural.style_transfer.memory_budget import Budget, in_bytes

CHECK = TypeAdapter(Budget)


@pytest.mark.parametrize(("text", "size"), [("4GB", 4e9), ("500 MB", 5e8), ("1.5 GiB", 1.5 * 2**30), ("12kB", 12e3)])
def test_a_budget_is_a_size_with_its_unit(text, size):
    assert in_bytes(CHECK.validate_python(text)) == size


def test_auto_is_most_of_what_is_free(monkeypatch):
    monkeypatch.setattr("stylepipe.neural.style_transfer.memory_budget.available", lambda: 1000)
    assert in_bytes("auto") == 800


@pytest.mark.parametrize("value", [4, 0.5, "4", "1.5"])
def test_a_number_without_a_unit_is_refused_with_what_to_write(value):
    with pytest.raises(ValidationError, match=f"a number without a unit would be bytes; write {value}GB for gigabytes"):
        CHECK.validate_python(value)


@pytest.mark.parametrize("text", ["4 gigs", "lots", "", "0GB", "-1GB"])
def test_other_budgets_are_refused_with_examples(text):
    with pytest.raises(ValidationError, match="a budget is 'auto' or a size such as '4GB'"):
        CHECK.validate_python(text)

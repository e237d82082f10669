"""Scalars by the tables of YAML 1.2's core schema, and writing what is read back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylepipe.recipe.syntax.scalars import dump, is_text, scalar
from stylepipe.recipe.syntax.yaml_text import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, None) for text in ("", "~", "null", "Null", "NULL")],
        *[(text, True) for text in ("true", "True", "TRUE")],
        *[(text, False) for text in ("false", "False", "FALSE")],
        *[("0", 0), ("-12", -12), ("+7", 7), ("0777", 777), ("0o17", 15), ("0x1F", 31)],
        *[("1e5", 100000.0), ("1E-3", 0.001), ("-.5", -0.5), ("1.", 1.0), ("+1.5e+2", 150.0), ("6.8523015e+5", 685230.15)],
        # text, though YAML 1.1 takes it for a truth value, a number or a date
        *[(text, text) for text in ("yes", "no", "on", "Off", "y", "1_000", "0b101", "12:30:45", "2001-01-01", "tRUE", "nuLL")],
        *[(text, text) for text in ("-", ".", "e5", "1e", "0x", "0o8", "1.2.3", " 1", "inf", "nan", "infinity", "+.", "１")],
    ],
)
def test_scalar(text: str, value: object) -> None:
    found = scalar(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".inf", "The number .inf is not finite."),
        ("-.Inf", "The number -.Inf is not finite."),
        (".NaN", "The number .NaN is not finite."),
        ("1e309", "The number 1e309 is too large."),
        ("9" * 101, "The number 99999999999999999999… has 101 characters; at most 100 are read."),
        ("0x" + "f" * 99, "The number 0xffffffffffffffffff… has 101 characters; at most 100 are read."),
        ("1." + "0" * 99, "The number 1.000000000000000000… has 101 characters; at most 100 are read."),
    ],
)
def test_numbers_that_cannot_be_kept(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="The number") as caught:
        scalar(text)
    assert str(caught.value) == message
    assert not is_text(text)


def test_long_numbers_up_to_the_bound() -> None:
    assert scalar("9" * 100) == 10**100 - 1


texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.from_regex(r"[-+]?[0-9._eExo]{1,8}", fullmatch=True),
    st.sampled_from(
        ["1e5", "no", "null", "~", "", "0o17", ".inf", "a: b", "- a", "#", "$x", "${params.a}", "'", '"', " a ", "a\nb", "<<"]
    ),
)
plain = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(10**90), 10**90), st.floats(allow_nan=False, allow_infinity=False), texts
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=15,
)


@given(plain)
def test_what_is_written_is_read_back(data: object) -> None:
    source = parse(dump(data), file="x")
    assert source.problems == []
    assert repr(source.data) == repr(data)  # the types too, and -0.0


def test_lists_that_are_shared_are_written_out_twice() -> None:
    shared = [1, 2]
    assert parse(dump({"a": shared, "b": shared}), file="x").data == {"a": [1, 2], "b": [1, 2]}


@given(st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_exactly(number: float) -> None:
    assert scalar(repr(number)) == number

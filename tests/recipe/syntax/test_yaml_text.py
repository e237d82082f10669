"""YAML as data with places; PyYAML's own loader is the oracle where both read the same language."""

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stylepipe.errors import RecipeError
from stylepipe.recipe.syntax.yaml_text import MAX_BYTES, MAX_DEPTH, decode, parse

TEXT = """\
name: test
list:
  - one
  - {two: 2, 'th ree': [3, "4"]}
empty:
folded: >
  some
  text
? long
: value
"""


def at(text: str) -> dict[tuple[str | int, ...], tuple[int, int]]:
    return {path: (place.line, place.column) for path, place in parse(text, file="x").values.items()}


def test_data() -> None:
    assert parse(TEXT, file="x").data == {
        "name": "test",
        "list": ["one", {"two": 2, "th ree": [3, "4"]}],
        "empty": None,
        "folded": "some text\n",
        "long": "value",
    }


def test_places_of_values() -> None:
    assert at(TEXT) == {
        (): (1, 1),
        ("name",): (1, 7),
        ("list",): (3, 3),
        ("list", 0): (3, 5),
        ("list", 1): (4, 5),
        ("list", 1, "two"): (4, 11),
        ("list", 1, "th ree"): (4, 24),
        ("list", 1, "th ree", 0): (4, 25),
        ("list", 1, "th ree", 1): (4, 28),
        ("empty",): (5, 7),
        ("folded",): (6, 9),
        ("long",): (10, 3),
    }


def test_places_of_keys() -> None:
    keys = parse(TEXT, file="recipe.yaml").keys
    assert str(keys["list", 1, "th ree"]) == "recipe.yaml:4:14"
    assert str(keys["long",]) == "recipe.yaml:9:3"


def test_columns_count_characters_not_bytes() -> None:
    assert at("{ñandú: 1}") == {(): (1, 1), ("ñandú",): (1, 9)}


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert parse(decode(b"\xef\xbb\xbfa: 1", file="x"), file="x").data == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: \xe9\n", "x:2:4: The byte 0xe9 is not UTF-8 text. Save the recipe in the encoding UTF-8."),
        ("ü: ".encode() + b"\xff", "x:1:4: The byte 0xff is not UTF-8 text. Save the recipe in the encoding UTF-8."),
        ("a: 1".encode("utf-16"), "x:1:1: The byte 0xff is not UTF-8 text. Save the recipe in the encoding UTF-8."),
        (b"#" * (MAX_BYTES + 1), "x: The file is larger than 1 MB, the most a recipe may have."),
    ],
)
def test_bytes_that_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        decode(content, file="x")
    assert str(caught.value) == message


def test_a_nul_is_refused_where_it_stands() -> None:
    with pytest.raises(RecipeError, match=r"^x:2:4: The character U\+0000 may not stand in a recipe\.$"):
        parse("a: 1\nb: \0", file="x")


def test_refused_values_are_broken_and_nothing_else() -> None:
    source = parse("a: &x 1\nb: [*x, 2]\nc: .inf\n<<: {d: 1}\n2: e\nf: !!int 3\nf: 4\n", file="x")
    assert source.data == {"a": 1, "b": [None, 2], "c": None, "<<": {"d": 1}, "2": "e", "f": 4}
    assert source.broken == {("b", 0), ("c",), ("<<",), ("2",)}
    assert len(source.problems) == 7


def test_quoted_text_is_text() -> None:
    assert parse("""{"<<": "1", '2': 'true', "null": ".inf"}""", file="x").data == {"<<": "1", "2": "true", "null": ".inf"}
    assert parse("a: |\n  1e5\n", file="x").data == {"a": "1e5\n"}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_nesting_is_bounded(opening: str, closing: str) -> None:
    parse(opening * MAX_DEPTH + "1" + closing * MAX_DEPTH, file="x")
    with pytest.raises(RecipeError, match="nested more than 64 deep"):
        parse(opening * (MAX_DEPTH + 1) + "1" + closing * (MAX_DEPTH + 1), file="x")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 30_000,
        "{a: " * 30_000,
        "- " * 30_000,
        "? " * 30_000,
        "[" * 30_000 + "]" * 30_000,
        "a:\n" * 300_000,
        "[a, " * 200_000,
    ],
    ids=["[", "{", "-", "?", "[]", "keys", "lists"],
)
def test_hostile_nesting_ends_soon(text: str) -> None:
    start = time.process_time()
    with pytest.raises(RecipeError):
        parse(text, file="x")
    assert time.process_time() - start < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["# no\n" * 190_000, f"a: '{'x' * 900_000}'", "a: " + "x y\n  " * 140_000, "\n" * 900_000, "a: |\n" + "  x\n" * 220_000],
    ids=["comments", "quoted", "plain", "empty lines", "literal"],
)
def test_long_texts_take_time_in_proportion(text: str) -> None:
    start = time.process_time()
    assert parse(text, file="x").problems == []
    assert time.process_time() - start < 10


keys = st.text("abcdef ", min_size=1, max_size=5).filter(lambda key: key.strip() == key)
trees = st.recursive(
    st.integers() | st.booleans() | st.none() | st.text("abc: #-[]{}\"'\n", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(trees, st.sampled_from([None, True, False]))
def test_data_are_those_of_pyyaml(tree: object, flow: bool | None) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow)
    assert parse(text, file="x").data == yaml.safe_load(text) == tree


@given(trees)
def test_places_are_those_of_pyyamls_nodes(tree: object) -> None:
    text = yaml.safe_dump(tree)
    expected = {}
    waiting = [((), yaml.compose(text))]
    while waiting:
        path, node = waiting.pop()
        expected[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            waiting += [((*path, key.value), value) for key, value in node.value]
        if isinstance(node, yaml.SequenceNode):
            waiting += [((*path, index), value) for index, value in enumerate(node.value)]
    assert {**at(text), (): (1, 1)} == {**expected, (): (1, 1)}


@given(st.text(max_size=60) | st.text("ab:-[]{},&*!|>'\"#%@`\n\t ?$\\", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        source = parse(text, file="x")
    except RecipeError as error:
        assert error.problems
    else:
        assert all(problem.place for problem in source.problems)

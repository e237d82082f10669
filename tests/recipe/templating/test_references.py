"""References: how they are read, what they lead to, and what they may grow to."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.templating.references import MAX_TEXT, Reference, TemplateError, escape, inside, parse


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ["plain"]),
        ("", [""]),
        ("$content", Reference("content")),
        ("$params.a-b.c_1.2", Reference("params", ("a-b", "c_1", "2"))),
        ("$soft@384", Reference("soft", (), "384")),
        ("$soft@1e-05", Reference("soft", (), "1e-05")),
        ("$item", Reference("item")),
        ("${item}", [Reference("item")]),
        ("a ${params.x}b${soft@1.5}", ["a ", Reference("params", ("x",)), "b", Reference("soft", (), "1.5")]),
        ("$$5", ["$", "5"]),
        ("$$", ["$"]),
        ("$$$$", ["$", "$"]),
        ("$${x}", ["$", "{x}"]),
        ("$$${x}", ["$", Reference("x")]),
        ("new\nline ${x}", ["new\nline ", Reference("x")]),
    ],
)
def test_parse(text: str, parts: object) -> None:
    assert parse(text) == parts


@pytest.mark.parametrize(
    "text",
    ["$", "a$", "$ a", "$5", "${", "${}", "${a", "${a b}", "${1}", "$a b", "$a-$b", "$a.", "$.a", "$a@", "${a|b}", "$(a)"],
)
def test_a_dollar_that_begins_no_reference(text: str) -> None:
    with pytest.raises(TemplateError, match=r"begins no reference$"):
        parse(text)


def test_long_texts_with_references_are_refused() -> None:
    assert parse("$$" * (MAX_TEXT // 2)) == ["$"] * (MAX_TEXT // 2)
    with pytest.raises(TemplateError, match="has 10001 characters; at most 10000 are read"):
        parse("$" + "a" * MAX_TEXT)
    assert parse("a" * (MAX_TEXT + 1)) == ["a" * (MAX_TEXT + 1)]


@given(
    st.recursive(
        st.none() | st.integers() | st.text("a$\\{} .@", max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_escaped_data_hold_no_references(data: object) -> None:
    def read(value: object) -> object:
        match value:
            case str():
                parts = parse(value)
                assert isinstance(parts, list)
                return "".join(map(str, parts))
            case list():
                return [read(inner) for inner in value]
            case dict():
                return {key: read(inner) for key, inner in value.items()}
        return value

    assert read(escape(data)) == data


@pytest.mark.parametrize("reference", [Reference("a"), Reference("params", ("x", "y")), Reference("a", (), "1.5")])
def test_a_reference_is_written_as_it_is_read(reference: Reference) -> None:
    assert parse(str(reference)) == reference


def test_dots_lead_into_mappings() -> None:
    reference = Reference("item", ("a", "b"))
    assert inside({"a": {"b": None}}, reference) is None
    with pytest.raises(TemplateError, match=r"^\$item\.a has no 'b'$"):
        inside({"a": {}}, reference)
    with pytest.raises(TemplateError, match=r"^\$item\.a is \[1\] and has no 'b'$"):
        inside({"a": [1]}, reference)


RECIPE = """\
stylepipe: 1
name: test
params: {whole: 3, text: me, yes: true, none: null, small: 0.00001, list: [1, {a: $$b}], table: {x: {y: 7}}}
inputs: {photo: {image: photo.png}}
stages:
  painted: {use: paint, content: $photo, styles: [], extra: {value: VALUE}}
output: $painted
"""


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$params.whole", 3),
        ('"${params.whole}"', "3"),
        ("$params.yes", True),
        ('"${params.yes}, ${params.none}"', "true, null"),
        ("$params.none", None),
        ('"${params.small}"', "1e-05"),
        ("$params.list", [1, {"a": "$b"}]),
        ("$params.table.x", {"y": 7}),
        ("$params.table.x.y", 7),
        ('"<${params.text}>$$"', "<me>$"),
        ("[$params.whole, {deep: $params.text}]", [3, {"deep": "me"}]),
        ("{$params.whole: 1}", {"$params.whole": 1}),  # keys are not templates
    ],
)
def test_values(load: Callable[..., ResolvedRecipe], written: str, value: object) -> None:
    recipe = load(RECIPE.replace("VALUE", written))
    assert recipe.stages["painted"].params.extra == {"value": value}


def test_what_templates_grow_to_is_bounded(problems: Callable[..., list[str]]) -> None:
    many = RECIPE.replace("whole: 3", f"whole: [{'1, ' * 5000}]").replace("VALUE", f"[{'$params.whole, ' * 100}]")
    assert problems(many) == ["recipe.yaml:6:205: With all references replaced, the recipe holds more than 50000 values."]
    long = RECIPE.replace("text: me", f"text: {'x' * 600_000}")
    assert problems(long.replace("VALUE", '"${params.text} "')) == [
        "recipe.yaml:6:69: stages.painted.extra.value: the text has more than 10000 characters with its values filled in."
    ]
    assert problems(long.replace("VALUE", f"[{'$params.text, ' * 6}]")) == [
        "recipe.yaml:6:140: With all references replaced, the recipe holds more than 50000 values."
    ]
    looped = RECIPE.replace("content: $photo", f"foreach: [{', '.join(map(str, range(1000)))}], content: $photo")
    assert problems(looped.replace("styles: []", f"styles: [{'$photo, ' * 100}]").replace("VALUE", "1")) == [
        "recipe.yaml:6:4951: With all references replaced, the recipe holds more than 50000 values."
    ]

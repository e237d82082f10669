"""What is needed, what is selected."""

import pytest

from stylepipe.engine.graph import ancestors, descendants, select, stages_named
from stylepipe.errors import UsageError


@pytest.fixture
def diamond(lab):
    """a → b, c; b + c → d; and an item list e@1 → e@2 that nothing needs."""
    return lab.recipe(
        [lab.image("left", 1), lab.image("right", 2), lab.image("unused", 3)],
        [
            lab.node("a", "add", {"image": "left"}),
            lab.node("b", "add", {"image": "a"}),
            lab.node("e@1", "add", {"image": "unused"}),
            lab.node("c", "mix", {"first": "a", "second": "right"}),
            lab.node("d", "join", {"images": ("b", "c", "b")}),
            lab.node("e@2", "add", {"image": "e@1"}),
        ],
        result="d",
    )


def test_the_ancestors_and_descendants_include_the_stages_themselves(diamond):
    assert ancestors(diamond, ["d"]) == {"a", "b", "c", "d", "left", "right"}
    assert ancestors(diamond, ["e@2"]) == {"e@1", "e@2", "unused"}
    assert descendants(diamond, ["c"]) == {"c", "d"}
    assert descendants(diamond, ["left"]) == {"left", "a", "b", "c", "d"}


def test_only_what_the_outputs_need_is_selected_in_the_recipe_s_order(diamond):
    selection = select(diamond)
    assert selection.inputs == ("left", "right")
    assert selection.stages == ("a", "b", "c", "d")
    assert selection.names == ("left", "right", "a", "b", "c", "d")
    assert selection.runs == {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    ("options", "stages", "runs"),
    [
        ({"until": "b"}, "a b", "a b"),
        ({"start": "b"}, "a b c d", "b d"),
        ({"start": "a", "until": "c"}, "a c", "a c"),
        ({"until": "e"}, "e@1 e@2", "e@1 e@2"),
        ({"until": "e@1"}, "e@1", "e@1"),
        ({"start": "e@2", "until": "e"}, "e@1 e@2", "e@2"),
    ],
)
def test_from_and_until_select_a_part(diamond, options, stages, runs):
    selection = select(diamond, **options)
    assert selection.stages == tuple(stages.split())
    assert selection.runs == set(runs.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": "dd"}, "The recipe has no stage 'dd'. Did you mean 'd'?"),
        ({"start": "left"}, "The recipe has no stage 'left'. Known: a, b, c, d, e@1, e@2."),
        ({"start": "c", "until": "b"}, "'c' does not contribute to 'b'. Stages that do: a, b."),
        ({"start": "e@2"}, "'e@2' does not contribute to the outputs. Stages that do: a, b, c, d."),
    ],
)
def test_what_cannot_be_selected_is_said(diamond, options, message):
    with pytest.raises(UsageError) as caught:
        select(diamond, **options)
    assert str(caught.value) == message


def test_a_foreach_is_meant_by_its_name(diamond):
    assert stages_named(diamond, "e") == ("e@1", "e@2")

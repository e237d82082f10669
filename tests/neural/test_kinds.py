"""Losses of installed packages: found by entry point, and their mistakes named with the package."""

from collections.abc import Callable
from importlib.metadata import entry_points

import pytest
from pydantic import TypeAdapter, ValidationError

from stylepipe.entry_points import LOSSES, distribution_of
from stylepipe.errors import ExtensionError
from stylepipe.neural.kinds import Kinds, find_kinds, union_of
from stylepipe.neural.losses.loss import Loss

SWIRL = """\
from typing import Literal
from stylepipe.neural.losses.loss import Loss


class Swirl(Loss):
    functions = "toys.swirl_functions"
    kind: Literal["swirl"] = "swirl"
    turns: tuple[int, ...] = (3,)
"""
FUNCTIONS = "statistic = target = distance = print\n"


@pytest.fixture
def kinds(install_pack) -> Callable[..., Kinds[Loss]]:
    """All losses, with those of the package `toys`, which has this module and these entry points."""

    def found(swirl: str = SWIRL, points: str = "swirl = toys.swirl:Swirl", functions: str = FUNCTIONS) -> Kinds[Loss]:
        site = install_pack("toys", {"swirl": swirl, "swirl_functions": functions})
        (site / "toys-1.0.dist-info" / "entry_points.txt").write_text(f"[{LOSSES}]\n{points}\n")
        return find_kinds(LOSSES, "loss", Loss)

    return found


def test_stylepipe_s_own_losses_are_entry_points(kinds):
    own = {entry.name for entry in entry_points(group=LOSSES) if entry.value.startswith("stylepipe.")}
    assert kinds(points="").models.keys() == own
    assert {"content", "gram", "nearest_neighbour"} <= own


def test_a_loss_of_a_package_is_one_of_the_alternatives(kinds):
    found = kinds()
    loss = TypeAdapter(union_of(found)).validate_json('{"kind": "swirl", "turns": [4]}', strict=True)
    assert (type(loss), loss.turns, loss.weight) == (found.models["swirl"], (4,), 1.0)
    assert distribution_of(type(loss).__module__) == {"toys": "1.0"}
    assert loss.computed_by().statistic is print
    with pytest.raises(ValidationError, match=r"does not match any of the expected tags: .*'swirl'"):
        TypeAdapter(union_of(found)).validate_python({"kind": "whirl"})


@pytest.mark.parametrize(
    ("swirl", "points", "message"),
    [
        (SWIRL, "swirl = toys.nothing:Swirl", "cannot be imported from 'toys.nothing:Swirl': ModuleNotFoundError"),
        (SWIRL, "swirl = toys.swirl:Whirl", "cannot be imported from 'toys.swirl:Whirl': AttributeError: .* 'Whirl'"),
        ("def torn(:\n", "swirl = toys.swirl:Swirl", "cannot be imported from 'toys.swirl:Swirl': SyntaxError"),
        (SWIRL, "swirl = toys.swirl", r"is not a subclass of stylepipe\.neural\.losses\.loss\.Loss: 'toys\.swirl'\."),
        (SWIRL, "whirl = toys.swirl:Swirl", "has another kind .* must declare kind: Literal.'whirl'. = 'whirl'"),
        (SWIRL.replace("functions =", "computed ="), "swirl = toys.swirl:Swirl", "cannot be imported .*computed = "),
        (SWIRL.replace("    functions =", "    #"), "swirl = toys.swirl:Swirl", "names no module in `functions`"),
        (
            SWIRL.replace("_functions", "_sums"),
            "swirl = toys.swirl:Swirl",
            "the module 'toys.swirl_sums', which does not",
        ),
        (
            SWIRL.replace("tuple[int, ...]", "'Later'"),
            "swirl = toys.swirl:Swirl",
            "parameters .* that recipes cannot write",
        ),
    ],
)
def test_a_mistake_ends_in_a_sentence_that_names_the_package(kinds, swirl, points, message):
    found = kinds(swirl, points)
    [(kind, problem)] = found.problems.items()
    assert problem.message.startswith(f"The loss '{kind}' of the package 'toys' ")
    union = TypeAdapter(union_of(found))
    assert union.validate_python({"kind": "gram"}).kind == "gram"
    with pytest.raises(ValidationError, match=message):
        union.validate_python({"kind": kind})


def test_two_packages_with_the_same_kind(kinds):
    found = kinds(SWIRL.replace('"swirl"', '"gram"'), "gram = toys.swirl:Swirl")
    assert str(found.problems["gram"]) == (
        "The loss 'gram' is offered by both 'stylepipe' and 'toys'."
        " Uninstall one of the two packages, or rename the kind in yours."
    )
    assert "gram" not in found.models
    assert "content" in found.models


def test_a_function_that_is_missing(kinds):
    loss = kinds(functions="statistic = target = print\n").models["swirl"]
    with pytest.raises(ExtensionError) as caught:
        loss.computed_by()
    assert str(caught.value) == (
        "The module 'toys.swirl_functions' of the package 'toys', with the functions of 'Swirl', lacks 'distance'."
    )


def test_metadata_without_losses():
    with pytest.raises(ExtensionError, match="The kinds of loss that come with stylepipe are not in its metadata; install"):
        union_of(Kinds("loss", {}, {}))

"""Losses, optimizers and encoders of installed packages: found by entry point, and their mistakes named with the package."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import NamedTuple

import pytest
from pydantic import TypeAdapter, ValidationError

from stylepipe.artifacts import Weights
from stylepipe.entry_points import ENCODERS, LOSSES, OPTIMIZERS, distribution_of
from stylepipe.errors import ExtensionError
from stylepipe.neural.encoders.encoder import Architecture
from stylepipe.neural.kinds import Kinds, find_kinds, union_of
from stylepipe.neural.losses.loss import Loss
from stylepipe.neural.optimizers.optimizer import Optimizer
from stylepipe.neural.spec import Spec


class Registry(NamedTuple):
    """A group of entry points; some of stylepipe's own kinds; the functions that the module of a kind defines."""

    noun: str
    group: str
    base: type[Spec]
    own: tuple[str, ...]
    functions: tuple[str, ...]


REGISTRIES = [
    Registry("loss", LOSSES, Loss, ("content", "gram"), ("statistic", "target", "distance")),
    Registry("optimizer", OPTIMIZERS, Optimizer, ("adam", "lbfgs"), ("start", "step", "awaited", "result", "enlarged")),
    Registry("encoder", ENCODERS, Architecture, ("vgg",), ("features",)),
]

SWIRL = """\
from typing import ClassVar, Literal
from {base.__module__} import {base.__name__}


class Swirl({base.__name__}):
    functions = "toys.swirl_functions"
    kind: Literal["swirl"] = "swirl"
    layer_names: ClassVar[tuple[str, ...]] = ("eddy",)
    turns: tuple[int, ...] = (3,)

    def state_size(self):
        return 1

    def encoder_of(self, weights, *, pooling, precision):
        return 1
"""
NAMED = "swirl = toys.swirl:Swirl"


@pytest.fixture(params=REGISTRIES, ids=lambda registry: registry.noun)
def registry(request) -> Registry:
    return request.param


@pytest.fixture
def kinds(install_pack, registry) -> Callable[..., Kinds[Spec]]:
    """All kinds of a registry, with those of the package `toys`, which has this module, edited, and these entry points."""

    def found(
        edit: tuple[str, str] = ("", ""), points: str = NAMED, functions: tuple[str, ...] = registry.functions
    ) -> Kinds[Spec]:
        swirl = SWIRL.format(base=registry.base).replace(*edit)
        modules = {"swirl": swirl, "swirl_functions": f"{' = '.join(functions)} = print\n", "torn": "def torn(:\n"}
        site = install_pack("toys", modules)
        (site / "toys-1.0.dist-info" / "entry_points.txt").write_text(f"[{registry.group}]\n{points}\n")
        return find_kinds(registry.group, registry.noun, registry.base)

    return found


def test_stylepipe_s_own_kinds_are_entry_points(kinds, registry):
    own = {entry.name for entry in entry_points(group=registry.group) if entry.value.startswith("stylepipe.")}
    assert kinds(points="").models.keys() == own
    assert set(registry.own) <= own


def test_a_kind_of_a_package_is_one_of_the_alternatives(kinds, registry):
    found = kinds()
    swirl = TypeAdapter(union_of(found)).validate_json('{"kind": "swirl", "turns": [4]}', strict=True)
    assert (type(swirl), swirl.turns) == (found.models["swirl"], (4,))
    assert found.by_class_name["Swirl"] is type(swirl)
    assert distribution_of(type(swirl).__module__) == {"toys": "1.0"}
    assert all(getattr(swirl.computed_by(), each) is print for each in registry.functions)
    with pytest.raises(ValidationError, match=r"does not match any of the expected tags: .*'swirl'"):
        TypeAdapter(union_of(found)).validate_python({"kind": "whirl"})


@pytest.mark.parametrize(
    ("edit", "points", "message"),
    [
        (("", ""), "swirl = toys.nothing:Swirl", "cannot be imported from 'toys.nothing:Swirl': ModuleNotFoundError"),
        (("", ""), "swirl = toys.swirl:Whirl", "cannot be imported from 'toys.swirl:Whirl': AttributeError: .* 'Whirl'"),
        (("", ""), "swirl = toys.torn:Swirl", "cannot be imported from 'toys.torn:Swirl': SyntaxError"),
        (("", ""), "swirl = toys.swirl", r"is not a subclass of stylepipe\.neural\.(\w+\.)+[A-Z]\w+: 'toys\.swirl'\."),
        (("", ""), "whirl = toys.swirl:Swirl", "has another kind .* must declare kind: Literal.'whirl'. = 'whirl'"),
        (("functions =", "computed ="), NAMED, "cannot be imported .*computed = "),
        (("    functions =", "    #"), NAMED, "names no module in `functions`"),
        (("_functions", "_sums"), NAMED, "the module 'toys.swirl_sums', which does not exist"),
        (("tuple[int, ...]", "'Later'"), NAMED, "parameters .* that recipes cannot write"),
        (
            ("    turns:", "    libraries: ClassVar = ('no-such-thing',)\n    turns:"),
            NAMED,
            "computes with the distribution 'no-such-thing': PackageNotFoundError",
        ),
    ],
)
def test_a_mistake_ends_in_a_sentence_that_names_the_package(kinds, registry, edit, points, message):
    found = kinds(edit, points)
    [(kind, problem)] = found.problems.items()
    assert problem.message.startswith(f"The {registry.noun} '{kind}' of the package 'toys' ")
    union = TypeAdapter(union_of(found))
    assert union.validate_python({"kind": registry.own[-1]}).kind == registry.own[-1]
    with pytest.raises(ValidationError, match=message):
        union.validate_python({"kind": kind})


def test_two_packages_with_the_same_kind(kinds, registry):
    second = registry.own[-1]
    found = kinds(('"swirl"', f'"{second}"'), f"{second} = toys.swirl:Swirl")
    assert str(found.problems[second]) == (
        f"The {registry.noun} '{second}' is offered by both 'stylepipe' and 'toys'."
        " Uninstall one of the two packages, or choose another name in yours."
    )
    assert second not in found.models
    assert set(registry.own[:-1]) <= found.models.keys()


def test_a_function_that_is_missing(kinds, registry):
    *others, last = registry.functions
    swirl = kinds(functions=("unused", *others)).models["swirl"]
    with pytest.raises(ExtensionError) as caught:
        swirl.computed_by()
    assert str(caught.value) == (
        f"The module 'toys.swirl_functions' of the package 'toys', with the functions of 'Swirl', lacks '{last}'."
    )


def test_functions_that_cannot_be_imported(kinds):
    swirl = kinds(("toys.swirl_functions", "toys.torn")).models["swirl"]
    with pytest.raises(
        ExtensionError, match=r"The module 'toys.torn' of the package 'toys', .* cannot be imported: SyntaxError"
    ):
        swirl.computed_by()


@pytest.mark.parametrize(
    ("registry", "method"), [(REGISTRIES[1], "state_size"), (REGISTRIES[2], "encoder_of")], indirect=["registry"]
)
def test_a_method_that_is_missing(kinds, registry, method):
    problem = kinds((method, "other")).problems["swirl"]
    assert str(problem) == f"The {registry.noun} 'swirl' of the package 'toys' lacks '{method}' in 'toys.swirl:Swirl'."


@pytest.mark.parametrize("registry", [REGISTRIES[2]], ids=["encoder"], indirect=True)
@pytest.mark.parametrize(
    ("body", "reason"),
    [("return 2", "it returns 2, which is no Encoder"), ("return pooling + 1", "TypeError: unsupported operand .*")],
)
def test_an_encoder_that_fails_to_describe_weights(kinds, body, reason):
    swirl = kinds(("precision):\n        return 1", f"precision):\n        {body}")).models["swirl"]
    sentence = rf"^The encoder 'swirl' of the package 'toys' cannot describe the weights: {reason}\.$"
    with pytest.raises(ExtensionError, match=sentence):
        swirl().describe(Weights({}))


def test_metadata_without_losses():
    with pytest.raises(ExtensionError, match="The kinds of loss that come with stylepipe are not in its metadata; install"):
        union_of(Kinds("loss", {}, {}))

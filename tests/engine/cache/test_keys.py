"""Keys: everything that matters changes them, nothing else does."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from textwrap import dedent
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.engine.cache import code_digests
from stylepipe.engine.cache.keys import differences, key_of, stage_document
from stylepipe.errors import Place
from stylepipe.neural.encoders.vgg_architecture import VggArchitecture
from stylepipe.plugins import find_stage
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Params, stage


class Content(Params):
    kind: Literal["content"] = "content"
    weight: float = 1.0


class Gram(Params):
    kind: Literal["gram"] = "gram"
    weight: float = 1.0
    layers: Mapping[str, float] = Field(default_factory=dict)


class TrialParams(Params):
    size: int = 8
    name: str | None = None
    losses: list[Annotated[Content | Gram, Field(discriminator="kind")]] = Field(default_factory=list)
    anything: list[Params] = Field(default_factory=list)


@stage(version=1)
def trial(image: Image, params: TrialParams, styles: Sequence[Image] = (), *, key: Any) -> Image:
    """A stage with everything."""
    return image


DIGESTS = {"a": "image:aa", "b": "image:bb", "c": "cc"}


def make(
    *, inputs=None, params=None, digests=DIGESTS, used=trial, readers=None, seed=0, backend="cpu", name="n", file="r.yaml"
):
    node = StageNode(name, used, params or TrialParams(), inputs or {"image": "a", "styles": ("b", "c")}, Place(file, 1, 1))
    return stage_document(node, digests, readers=readers or {}, seed=seed, backend=backend)


REFERENCE = make()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            make(inputs={"image": "b", "styles": ("a", "c")}),
            ["its input 'image' changed", "its input 'styles[0]' changed"],
        ),
        (
            make(inputs={"image": "a", "styles": ("c", "b")}),
            ["its input 'styles[0]' changed", "its input 'styles[1]' changed"],
        ),
        (make(inputs={"image": "a", "styles": ("b",)}), ["its input 'styles[1]' changed"]),
        (make(inputs={"image": "a"}), ["its input 'styles[0]' changed", "its input 'styles[1]' changed"]),
        (make(digests={**DIGESTS, "a": "mask:aa"}), ["its input 'image' changed"]),
        (make(params=TrialParams(size=9)), ["size: 8 → 9"]),
        (make(params=TrialParams(name="x")), ['name: none → "x"']),
        (make(seed=1), ["the seed changed from 0 to 1"]),
        (make(backend="gpu"), ["it was computed for cpu, now for gpu"]),
        (make(used=replace(trial, version=2)), ["the stage's version changed from 1 to 2"]),
        (make(used=replace(trial, services=frozenset())), ["the seed changed from 0 to None"]),
        (make(readers={"a": "stylepipe.formatting"}), ["the code of stylepipe.formatting changed"]),
    ],
)
def test_every_change_makes_another_key_and_is_told(changed, words):
    assert key_of(changed) != key_of(REFERENCE)
    assert [phrase for phrase in differences(REFERENCE, changed) if phrase in words] == words


def test_inputs_that_change_places_make_another_key():
    """Sorting digests instead of naming them gives one image for both orders."""
    one = make(inputs={"image": "a", "styles": ("b", "c")})
    other = make(inputs={"image": "a", "styles": ("c", "b")})
    assert len({key_of(one), key_of(other), key_of(make(inputs={"image": "b", "styles": ("a", "c")}))}) == 3


def test_names_and_places_are_not_in_the_key():
    assert key_of(make(name="other", file="/home/somebody/other.yaml")) == key_of(REFERENCE)
    renamed = make(inputs={"image": "x", "styles": ("y", "z")}, digests={"x": "image:aa", "y": "image:bb", "z": "cc"})
    assert key_of(renamed) == key_of(REFERENCE)


def test_a_seed_counts_only_where_randomness_is_asked_for():
    quiet = replace(trial, services=frozenset({"emit"}))
    assert key_of(make(used=quiet, seed=1)) == key_of(make(used=quiet, seed=2))


def test_nested_differences_are_named_by_their_place():
    before = TrialParams(losses=[Content(), Gram(layers={"relu1_1": 1.0})])
    after = TrialParams(losses=[Content(), Gram(layers={"relu1_1": 2.5, "relu2_1": 1.0})])
    assert differences(make(params=before), make(params=after)) == (
        "losses[1].layers.relu1_1: 1.0 → 2.5",
        "losses[1].layers.relu2_1: none → 1.0",
    )


def test_modules_whose_code_changed_are_told_together():
    sources = {**REFERENCE["source"], "stylepipe.errors": "00", "stylepipe.stage": "00"}
    assert differences(REFERENCE, {**REFERENCE, "seed": 4, "source": sources}) == (
        "the seed changed from 0 to 4",
        "the code of stylepipe.errors, stylepipe.stage changed",
    )


def test_fields_of_subclasses_are_in_the_key():
    one, other = (TrialParams(anything=[Gram(layers={"relu1_1": value})]) for value in (1.0, 2.0))
    assert key_of(make(params=one)) != key_of(make(params=other))


def test_the_reader_s_code_counts_only_for_inputs_that_the_stage_takes():
    assert key_of(make(readers={"elsewhere": "stylepipe.recipe.load"})) == key_of(REFERENCE)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), plain, max_size=4), st.dictionaries(st.text(), plain, max_size=4))
def test_two_documents_have_one_key_exactly_when_nothing_differs(one, other):
    document, changed = {**REFERENCE, "params": one}, {**REFERENCE, "params": other}
    same = key_of(document) == key_of(changed)
    assert same == (not differences(document, changed))
    assert key_of({name: document[name] for name in reversed(document)}) == key_of(document)


LION = {"kind": "optax", "name": "lion", "learning_rate": 0.01}


GRID = """\
from typing import Literal
from stylepipe.neural.encoders.encoder import Architecture


class Grid(Architecture):
    functions = "toys.grid_functions"
    layer_names = ("grid",)
    kind: Literal["grid"] = "grid"

    def encoder_of(self, weights, *, pooling, precision):
        raise NotImplementedError
"""


def modules(loss: Mapping[str, Any], optimizer: str) -> set[str]:
    """Those whose code is in the key of a stylization."""
    params = {"size": 64, "iterations": 1, "losses": [loss], "optimizer": {"kind": optimizer}}
    return set(make(used=find_stage("stylize"), params=find_stage("stylize").params.model_validate(params))["source"])


def test_only_the_losses_and_optimizers_that_the_parameters_name_are_in_the_key():
    found = modules({"kind": "wasserstein", "layers": {"relu1_1": 1}}, "lbfgs")
    kinds = {
        name.rpartition(".")[2]
        for name in found
        if name.startswith(("stylepipe.neural.losses.", "stylepipe.neural.optimizers."))
    }
    shared = {"loss", "loss_kinds", "loss_inputs", "loss_cost", "sums", "lbfgs_memory", "steepest_descent", "optimizer"}
    shared |= {"optimizer_kinds"}
    assert kinds == {"wasserstein", "wasserstein_functions", "lbfgs", "lbfgs_functions"} | shared
    with_patches = modules({"kind": "mrf", "layers": {"relu1_1": 1}}, "adam")
    assert {
        "stylepipe.neural.losses.mrf",
        "stylepipe.neural.losses.functions.mrf_functions",
        "stylepipe.neural.losses.functions.patches",
        "stylepipe.neural.optimizers.adam",
        "stylepipe.neural.optimizers.functions.adam_functions",
    } <= with_patches


def test_of_encoders_only_the_one_that_the_parameters_name_is_in_the_key(install_pack):
    site = install_pack("toys", {"grid": GRID, "grid_functions": "features = print\n"})
    (site / "toys-1.0.dist-info" / "entry_points.txt").write_text("[stylepipe.encoders]\ngrid = toys.grid:Grid\n")
    grid = importlib.import_module("toys.grid").Grid

    class GridParams(Params):
        encoder: Annotated[grid | VggArchitecture, Field(discriminator="kind")]

    def used(kind):
        document = make(used=replace(find_stage("stylize"), params=GridParams), params=GridParams(encoder={"kind": kind}))
        return set(document["source"]), document["versions"].get("toys")

    vgg = {
        "stylepipe.neural.encoders.vgg",
        "stylepipe.neural.encoders.vgg_layout",
        "stylepipe.neural.encoders.vgg_architecture",
    }
    modules, version = used("grid")
    assert (modules & vgg, version) == (set(), "1.0")
    assert {"toys.grid", "toys.grid_functions", "stylepipe.neural.encoders.encoder"} <= modules
    modules, version = used("vgg")
    assert (modules & vgg, version) == (vgg, None)
    assert "toys.grid" not in modules


@pytest.mark.parametrize(
    ("optimizer", "library", "unused"),
    [({"kind": "adam"}, "optax", "jaxopt"), ({"kind": "lbfgs_zoom"}, "jaxopt", "optax"), (LION, "optax", "jaxopt")],
)
def test_the_version_of_what_an_optimizer_computes_with_is_in_the_key(optimizer, library, unused):
    params = find_stage("stylize").params.model_validate({"optimizer": optimizer})
    versions = make(used=find_stage("stylize"), params=params)["versions"]
    assert versions[library] == metadata.version(library)
    assert unused not in versions


def test_each_argument_of_an_optax_optimizer_is_in_the_key():
    one, other = (
        make(used=find_stage("stylize"), params=find_stage("stylize").params.model_validate({"optimizer": {**LION, "b1": b1}}))
        for b1 in (0.8, 0.9)
    )
    assert differences(one, other) == ("optimizer.b1: 0.8 → 0.9",)


PACK = {
    "__init__.py": "",
    "daub.py": """
        from typing import Annotated
        from pydantic import Field
        from stylepipe.artifacts import Image
        from stylepipe.stage import Params, stage
        from looks.smooth import Smooth
        from looks.rough import Rough

        class DaubParams(Params):
            stroke: Annotated[Smooth | Rough, Field(discriminator="kind")] = Smooth()

        @stage(version=1)
        def daub(image: Image, params: DaubParams) -> Image:
            from looks.brush import brushed
            return brushed(image, params)
        """,
    "brush.py": "def brushed(image, params):\n    return image\n",
    "bristles.py": "COUNT = 40\n",
    **{
        f"{name}.py": f"""
        from typing import ClassVar, Literal
        from stylepipe.stage import Params

        class {name.title()}(Params):
            functions: ClassVar[str] = "looks.{name}_functions"
            kind: Literal["{name}"] = "{name}"
        """
        for name in ("smooth", "rough")
    },
    "smooth_functions.py": "def length():\n    return 8\n",
    "rough_functions.py": "from looks.bristles import COUNT\nfrom looks.rough import Rough\n",
}
"""A pack with a stage whose parameters name the modules that compute them."""


@pytest.fixture
def key_of_daub(tmp_path, monkeypatch):
    """The key that the stage `daub` has for a stroke, after files of the pack got these lines at their end."""
    folder = tmp_path / "looks"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in PACK.items():
        (folder / name).write_text(dedent(text))
    daub = importlib.import_module("looks.daub").daub

    def key(stroke: str, **added: str) -> str:
        for name, text in PACK.items():
            (folder / name).write_text(dedent(text) + added.get(name.removesuffix(".py"), ""))
        for cached in (code_digests.code_digests, code_digests._read):
            cached.cache_clear()
        params = daub.params.model_validate({"stroke": {"kind": stroke}})
        assert not any(name.endswith("_functions") for name in sys.modules if name.startswith("looks"))
        return key_of(make(used=daub, params=params, inputs={"image": "a"}))

    yield key
    for name in [name for name in sys.modules if name.partition(".")[0] == "looks"]:
        del sys.modules[name]
    for cached in (code_digests.code_digests, code_digests._read, code_digests._locate, code_digests._find):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("stroke", "module", "counts"),
    [
        ("smooth", "daub", True),
        ("smooth", "brush", True),
        ("smooth", "smooth", True),
        ("smooth", "smooth_functions", True),
        ("smooth", "rough", False),
        ("smooth", "rough_functions", False),
        ("smooth", "bristles", False),
        ("rough", "rough_functions", True),
        ("rough", "bristles", True),
        ("rough", "smooth_functions", False),
    ],
)
def test_code_counts_where_a_model_of_the_parameters_is_computed_by_it(key_of_daub, stroke, module, counts):
    before = key_of_daub(stroke)
    assert key_of_daub(stroke, **{module: '\n# A comment.\n"""A docstring."""\n'}) == before
    assert (key_of_daub(stroke, **{module: "\nCHANGED = 1\n"}) != before) is counts


def test_another_version_of_a_package_makes_another_key_and_is_told():
    versions = {**REFERENCE["versions"], "jaxlib": "0.0.1"}
    changed = {**REFERENCE, "versions": versions}
    assert key_of(changed) != key_of(REFERENCE)
    [told] = differences(REFERENCE, changed)
    assert told == f'the version of jaxlib changed from "{metadata.version("jaxlib")}" to "0.0.1"'


def test_versions_are_those_of_what_computes_and_of_the_stage_s_own_distribution():
    named = make(used=find_stage("sharpen"), params=find_stage("sharpen").params())["versions"]
    assert named == {name: metadata.version(name) for name in ("jax", "jaxlib", "numpy", "pillow", "stylepipe")}
    assert "stylepipe" not in REFERENCE["versions"]

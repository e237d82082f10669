"""What holds for every stage, those that are added later included.

A stage that cannot run on its defaults, or quickly, gets parameters in `PARAMS`; one that takes weights names a fixture that
makes them in `WEIGHTS`.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import hypothesis
import jax
import numpy as np
import pytest
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from stylepipe.artifacts import Artifact, Folder, Image, Mask, StageInput, Weights, blank, digest, kind_of
from stylepipe.errors import StylepipeError
from stylepipe.neural.optimizers.optax_optimizer import Optax
from stylepipe.plugins import find_stage, stage_modules
from stylepipe.stage import Input, Params, Stage

STAGES = sorted(stage_modules())

PARAMS: Mapping[str, Mapping[str, Any]] = {
    "distill": {
        "widths": ((4,), (4,)),
        "layers": {"relu1_1": 1, "relu2_1": 1},
        "schedule": {"steps": 2},
        "batch": 2,
        "crop": 32,
        "batches": 1,
    },
    "generate_texture": {"width": 12, "height": 8},
    "resize": {"long_side": 20},
    "train_style": {
        "channels": 2,
        "blocks": 0,
        "losses": [{"kind": "content", "layers": {"relu1_1": 1}}, {"kind": "gram", "layers": {"relu1_1": 1}}],
        "style_size": 32,
        "schedule": {"steps": 2},
        "batch": 1,
        "crop": 32,
    },
    "train_texture": {
        "sizes": 2,
        "channels": 2,
        "losses": [{"kind": "gram", "layers": {"relu1_1": 1}}],
        "texture_size": 32,
        "schedule": {"steps": 2},
        "batch": 1,
        "side": 32,
    },
    "train_upscaler": {
        "blocks": 1,
        "channels": 4,
        "schedule": {"steps": 2},
        "batch": 1,
        "crop": 8,
        "validation_crop": 24,
    },
    "upscale": {"factor": 2},
    "stylize": {
        "size": 23,
        "iterations": 2,
        "losses": [{"kind": "content", "layers": {"relu1_1": 1}}, {"kind": "gram", "layers": {"relu1_1": 1}}],
    },
}
REQUIRED: Mapping[str, Mapping[str, Any]] = {"optax": {"name": "lion", "learning_rate": 0.01}}
"""The parameters without a default of a kind."""

WEIGHTS = {
    ("stylize", "extractor"): "tiny_vgg",
    ("distill", "teachers"): "tiny_vgg",
    ("feedforward", "network"): "tiny_transformation",
    ("generate_texture", "network"): "tiny_texture",
    ("train_style", "extractor"): "tiny_vgg",
    ("train_texture", "extractor"): "tiny_vgg",
}
INSTEAD = {("stylize", "style_map"), ("stylize", "target_map")}
"""Inputs that stand in for others, and are refused beside them."""

ODD = 17, 23


@pytest.fixture(params=STAGES)
def stage(request) -> Stage:
    return find_stage(request.param)


runs_trainings_slowly = pytest.mark.parametrize(
    "stage",
    [pytest.param(name, marks=[pytest.mark.slow] if name == "distill" or name.startswith("train_") else []) for name in STAGES],
    indirect=True,
)


@pytest.fixture
def weights(stage, request) -> Mapping[str, Weights]:
    """The stage's weights by the names of its inputs."""
    names = [name for name, wanted in stage.inputs.items() if wanted.kind == "weights" and not wanted.optional]
    return {name: request.getfixturevalue(WEIGHTS[stage.name, name]) for name in names}


def test_the_stages_of_the_project_are_found():
    assert {"resize", "stylize", "sharpen"} <= set(STAGES), "stylepipe is not installed, so no test of this module would run"


# --- what it says of itself -------------------------------------------------------------------------------------------


def test_it_is_named_as_its_module(stage):
    assert stage_modules()[stage.name] == stage.module
    assert stage.version >= 1


def test_the_first_line_of_the_docstring_is_a_short_sentence(stage):
    assert stage.summary.endswith(".")
    assert len(stage.summary) <= 100
    lines = (inspect.getdoc(stage.function) or "").splitlines()
    assert len(lines) > 2, "what it computes, with shapes, ranges and sources, belongs below the first line"
    assert not lines[1]


def test_parameters_are_frozen_and_refuse_unknown_names(stage):
    for model in models(stage.params):
        assert model.model_config.get("frozen")
        if model is Optax:  # other names are arguments of a function, and refused unless it has them
            with pytest.raises(ValidationError, match="Optax's 'lion' has no argument 'no_such_name'"):
                Optax(name="lion", learning_rate=0.01, no_such_name=1)
        else:
            assert model.model_config.get("extra") == "forbid"
        assert model.model_config.get("allow_inf_nan") is False


def test_every_parameter_is_described(stage):
    for model in models(stage.params):
        for name, field in model.model_fields.items():
            assert name == "kind" or field.description, f"{model.__name__}.{name} has no description"
            assert name == "kind" or field.description.endswith("."), f"{model.__name__}.{name}: no full stop"


def test_every_number_is_bounded(stage):
    for where, schema in nodes(stage.params.model_json_schema()):
        if schema.get("type") in ("integer", "number") and not {"enum", "const"} & set(schema):
            assert "minimum" in schema or "exclusiveMinimum" in schema, f"{where} has no lower bound"
            assert "maximum" in schema or "exclusiveMaximum" in schema, f"{where} has no upper bound"


def test_defaults_are_valid(stage):
    params = parameters(stage)
    assert type(params).model_validate(params.model_dump()) == params


# --- what it does -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes_and_are_left_as_they_are(stage, weights):
    given = inputs(stage, weights, ODD)
    before = digests(given)
    assert digest(run(stage, given)) == digest(run(stage, given))
    assert digests(given) == before


@pytest.mark.slow
def test_an_odd_size_works(stage, weights):
    for params in variants(stage):
        check(stage, run(stage, inputs(stage, weights, ODD), params))


@runs_trainings_slowly
def test_what_it_estimates_has_the_size_that_comes(stage, weights):
    given = inputs(stage, weights, ODD)
    estimate = stage.estimate(**given, params=parameters(stage))
    assert estimate.memory is not None
    assert estimate.work is not None
    if estimate.output is not None:
        result = run(stage, given)
        assert outline(estimate.output) == outline(result)


def test_it_estimates_of_blank_inputs_what_it_does_of_real_ones(stage, weights):
    """As plans ask, where a picture's size and whether it is transparent are all that is known."""
    given = inputs(stage, weights, ODD, alpha=True)
    unseen = {name: tuple(map(blanked, value)) if isinstance(value, tuple) else blanked(value) for name, value in given.items()}
    for params in variants(stage):
        real, planned = (stage.estimate(**arguments, params=params) for arguments in (given, unseen))
        assert (planned.memory, planned.work) == (real.memory, real.work)
        assert planned.output is None or outline(planned.output) == outline(real.output)


def blanked(given: StageInput | None) -> StageInput | None:
    """As it is where only the header of a picture was read."""
    match given:
        case Image(pixels, alpha):
            return Image(blank(*pixels.shape), None if alpha is None else blank(*alpha.shape))
        case Mask(values):
            return Mask(blank(*values.shape))
    return given


def outline(artifact: Artifact) -> Any:
    """The shapes of its arrays."""
    arrays = artifact.tensors if isinstance(artifact, Weights) else vars(artifact)
    return {name: np.shape(array) for name, array in arrays.items() if array is not None}


@runs_trainings_slowly
@pytest.mark.parametrize(("size", "optional"), [(ODD, False), ((1, 1), True), ((2, 3), True)])
def test_less_works_or_is_refused(stage, weights, size, optional):
    """Without the inputs that may be absent, and with the smallest pictures."""
    try:
        result = run(stage, inputs(stage, weights, size, optional=optional))
    except StylepipeError as error:
        assert error.message.endswith(".")
    else:
        check(stage, result)


@runs_trainings_slowly
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_picture_works(stage, weights, value):
    for params in variants(stage):
        check(stage, run(stage, inputs(stage, weights, ODD, value=value), params))


@pytest.mark.slow
@hypothesis.settings(
    max_examples=2, deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(seed=st.integers(1, 2**32 - 1))
def test_hidden_colors_change_nothing_that_is_visible(stage, weights, seed):
    """Colors under an alpha of 0 are no part of a picture: not of the result, nor of what a training learns."""
    for params in variants(stage):
        one, other = (run(stage, inputs(stage, weights, ODD, alpha=True, hidden=each), params) for each in (0, seed))
        for expected, found in zip(visible(one), visible(other), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1 / 255)


@runs_trainings_slowly
def test_transparency_is_carried_on(stage, weights):
    opaque, transparent = (run(stage, inputs(stage, weights, ODD, alpha=alpha)) for alpha in (False, True))
    given = {wanted.kind for wanted in stage.inputs.values()}
    assert stage.output != "image" or "image" not in given or (opaque.alpha is None and transparent.alpha is not None)


# --- helpers ----------------------------------------------------------------------------------------------------------


def parameters(stage: Stage) -> Params:
    return stage.params.model_validate(PARAMS.get(stage.name, {}))


def variants(stage: Stage) -> list[Params]:
    """The parameters, and those with each kind of a part that comes in several."""
    params = parameters(stage)
    kinds = {
        name: [model.model_fields["kind"].default for model in get_args(field.annotation)]
        for name, field in stage.params.model_fields.items()
        if field.discriminator
    }
    others = [{name: {"kind": kind, **REQUIRED.get(kind, {})}} for name, choices in kinds.items() for kind in choices]
    return [params, *(type(params).model_validate({**params.model_dump(exclude_unset=True), **other}) for other in others)]


def inputs(
    stage: Stage,
    weights: Mapping[str, Weights],
    size: tuple[int, int],
    *,
    optional: bool = True,
    alpha: bool = False,
    value: float | None = None,
    hidden: int | None = None,
) -> dict[str, Any]:
    """Arguments as the engine gives them: read-only arrays, one of each kind, None or () for what is absent.

    Pictures and masks are random, or, with a `value`, pictures of that gray; those of folders have a size of their own. A third
    of each picture is hidden where `hidden` is the seed of its colors there.
    """
    beneath = np.random.default_rng(hidden)
    draw = np.random.default_rng(0)

    def read_only(array: np.ndarray) -> np.ndarray:
        array.flags.writeable = False
        return array

    def plane() -> np.ndarray:
        return read_only(draw.random(size, np.float32))

    def picture(size: tuple[int, int]) -> np.ndarray:
        return read_only(draw.random((*size, 3), np.float32) if value is None else np.full((*size, 3), value, np.float32))

    def image(size: tuple[int, int]) -> Image:
        pixels = picture(size)
        if not alpha:
            return Image(pixels)
        opacity = draw.random(size, np.float32)
        if hidden is not None:
            opacity = read_only(np.maximum(1.5 * opacity - 0.5, 0))
            pixels = read_only(np.where(opacity[..., None] > 0, pixels, beneath.random(pixels.shape, np.float32)))
        return Image(pixels, read_only(opacity))

    def one(name: str, kind: str) -> StageInput:
        match kind:
            case "weights":
                return weights[name]
            case "mask":
                return Mask(plane())
            case "folder":
                pictures = {f"{number}.png": image((40, 48)) for number in range(3)}
                return Folder(tuple(pictures), pictures.__getitem__)
        return image(size)

    def argument(name: str, wanted: Input) -> StageInput | Sequence[StageInput] | None:
        if wanted.optional and (not optional or wanted.kind == "weights" or (stage.name, name) in INSTEAD):
            return () if wanted.many else None
        return (one(name, wanted.kind),) if wanted.many else one(name, wanted.kind)

    return {name: argument(name, wanted) for name, wanted in stage.inputs.items()}


class NoCheckpoint:
    """A checkpoint that was never taken."""

    def load(self) -> None:
        return None

    def offer(self, state: Any) -> None:
        return None


def run(stage: Stage, given: Mapping[str, Any], params: Params | None = None) -> Any:
    services = {"key": jax.random.key(0), "emit": lambda event: None, "checkpoint": NoCheckpoint()}
    return stage(**given, params=params or parameters(stage), **{name: services[name] for name in stage.services})


def visible(result: Artifact) -> list[np.ndarray]:
    """What is seen of a result: colors where alpha is above 0, and alpha; a mask's values; weights by name."""
    match result:
        case Image(pixels, None):
            return [np.asarray(pixels)]
        case Image(pixels, alpha):
            return [np.where(np.asarray(alpha)[..., None] > 0, pixels, 0), np.asarray(alpha)]
        case Mask(values):
            return [np.asarray(values)]
        case Weights(tensors):
            return [np.asarray(tensors[name], np.float32) for name in sorted(tensors)]


def check(stage: Stage, result: Artifact) -> None:
    """Of the stated kind, finite, and, where it is a picture or a mask, float32 in [0, 1]."""
    assert kind_of(result) == stage.output
    arrays = result.tensors if isinstance(result, Weights) else vars(result)
    for array in (np.asarray(array) for array in arrays.values() if array is not None):
        assert np.isfinite(array).all()
        if not isinstance(result, Weights):
            assert array.dtype == np.float32
            assert array.min() >= 0
            assert array.max() <= 1


def digests(given: Mapping[str, Any]) -> list[str]:
    values = [one for value in given.values() for one in (value if isinstance(value, tuple) else (value,))]
    pictures = [value.read(name) for value in values if isinstance(value, Folder) for name in value.names]
    return [digest(value) for value in (*values, *pictures) if isinstance(value, Artifact)]


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation mentions, those of their fields included."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for part in get_args(annotation):
        yield from models(part)


def nodes(schema: Any, where: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every mapping in a JSON Schema, with the path that leads to it."""
    if isinstance(schema, Mapping):
        yield where, schema
        for name, part in schema.items():
            yield from nodes(part, f"{where}/{name}")
    elif isinstance(schema, list):
        for part in schema:
            yield from nodes(part, where)

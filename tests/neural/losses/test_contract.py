"""What every kind of loss in the table must hold."""

import re
from importlib import import_module
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import TypeAdapter

from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.loss import FeatureLoss, LossFunctions, StyleLoss
from stylepipe.neural.losses.loss_kinds import AnyLoss, loss_kinds
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective

LAYERS = {"relu1_1": 1.0, "relu2_1": 2.0}
CHANNELS = {"pixels": 3, "relu1_1": 4, "relu2_1": 5}
SMALL = {"cooccurrence": {"shifts": [1]}, "laplacian": {"pools": [2]}}
"""Parameters of the kinds whose defaults take larger pictures than those here."""


def of_kind(kind, **parameters):
    default = TypeAdapter(AnyLoss).validate_python({"kind": kind})
    layers = {"layers": LAYERS} if isinstance(default, FeatureLoss) else {}
    return type(default)(**{**layers, **SMALL.get(kind, {}), **parameters})


KINDS = sorted(loss_kinds().models)
EXAMPLES = [kind for kind in KINDS if of_kind(kind).compares]
FEATURES = [kind for kind in KINDS if isinstance(of_kind(kind), FeatureLoss)]
STYLES = [kind for kind in KINDS if isinstance(of_kind(kind), StyleLoss)]


def arrays(height, width, make):
    """The pixels and the layers of a picture of this size, each made from its shape."""
    halvings = {"pixels": 0, "relu1_1": 0, "relu2_1": 1}
    return {name: make((height >> halvings[name], width >> halvings[name], CHANNELS[name])) for name in CHANNELS}


def alike(found, expected, tolerance):
    """Whether two gradients are, relative to the largest slope."""
    return np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def region(picture, inside):
    """A mask at each layer; `inside` says of (height, width) what is."""
    masks = {name: np.zeros(picture[name].shape[:2]) for name in LAYERS}
    for mask in masks.values():
        mask[inside(*mask.shape)] = 1
    return masks


@pytest.fixture
def score(evaluate):
    """The loss of a picture against examples, pairs of picture and mask: styles, and the first of them the content, too."""

    def run(loss, picture, *examples, **options):
        def of(name):
            return {layer: each for layer, each in name.items() if layer != "pixels"}

        content, mask = examples[0]
        return evaluate(
            loss,
            of(picture),
            pixels=picture["pixels"],
            content=of(content),
            shown=content["pixels"],
            content_mask=mask,
            styles=[(of(style), mask) for style, mask in examples],
            **options,
        )

    return run


@pytest.fixture
def picture(draw):
    return arrays(9, 7, draw.random)


@pytest.fixture
def example(draw):
    """Another one of the same size, for content and style alike, of another scale."""
    return arrays(9, 7, lambda size: 2 * draw.random(size) ** 2)


@pytest.mark.parametrize("kind", KINDS)
def test_it_names_its_functions_and_its_default_is_a_loss_of_the_kind(kind):
    loss = TypeAdapter(AnyLoss).validate_python({"kind": kind})
    assert isinstance(import_module(loss.functions), LossFunctions)
    assert loss.kind == kind
    assert hash(loss) == hash(type(loss)())


@pytest.mark.parametrize("kind", KINDS)
def test_its_documentation_has_formula_source_and_cost(kind):
    spec = type(of_kind(kind))
    assert re.fullmatch(r"[A-Z].* \(.*\b(19|20)\d\d\b.*\)\.", import_module(spec.__module__).__doc__.splitlines()[0])
    assert re.search(r"mean\(|Σ", spec.__doc__)
    assert re.search(r"O\(.*\).*time.*memory", import_module(spec.functions).statistic.__doc__)
    assert all(field.description for name, field in spec.model_fields.items() if name not in ("kind", "layers"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_says_whether_it_is_drawn_anew_at_each_step(kind, score, picture, example):
    one, other = (score(of_kind(kind), picture, (example, None), seed=seed).value for seed in (1, 2))
    assert (one != other) is of_kind(kind).stochastic


@pytest.mark.parametrize("kind", EXAMPLES)
def test_it_vanishes_at_its_own_example_and_not_elsewhere(kind, score, picture, example):
    same, other = score(of_kind(kind), picture, (picture, None)), score(of_kind(kind), picture, (example, None))
    assert other.value > 0.01
    assert abs(same.value) < 1e-6
    for name, gradient in same.gradient.items():
        assert np.abs(gradient).max() <= 1e-4 * np.abs(other.gradient[name]).max()


@pytest.mark.slow
@pytest.mark.parametrize("normalize", ["target", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_finite_where_nothing_is_shown_or_says_that_a_layer_is_too_small(kind, normalize, score, draw):
    loss = of_kind(kind, **({"normalize": normalize} if kind in FEATURES else {}))
    shown = (np.zeros, lambda size: np.full(size, 0.7), draw.random)
    for (height, width), one, other in product([(9, 7), (2, 3)], shown, shown):  # the second has one position at relu2_1
        try:
            found = score(loss, arrays(height, width, one), (arrays(height, width, other), None))
        except StageError as error:
            assert (height, width) == (2, 3)
            assert re.search(r"\d×\d", error.message)
            assert error.hint
        else:
            assert all(np.isfinite(each).all() for each in (found.value, *found.gradient.values()))


@pytest.mark.parametrize("kind", FEATURES)
def test_it_grows_with_the_weights_of_its_layers(kind, score, picture, example):
    once = score(of_kind(kind), picture, (example, None))
    tripled = of_kind(kind, layers={layer: 3 * weight for layer, weight in LAYERS.items()})
    thrice = score(tripled, picture, (example, None))
    assert thrice.value == pytest.approx(3 * once.value, rel=1e-6)
    for layer in LAYERS:
        assert alike(thrice.gradient[layer], 3 * once.gradient[layer], 1e-5)


@pytest.mark.parametrize("scale", [2.0**-12, 2.0**12])
@pytest.mark.parametrize("kind", FEATURES)
def test_a_weight_means_the_same_at_any_scale_of_features(kind, scale, score, picture, example):
    expected = score(of_kind(kind), picture, (example, None))
    larger = ({name: scale * each for name, each in shown.items()} for shown in (picture, example))
    found = score(of_kind(kind), next(larger), (next(larger), None))
    assert found.value == pytest.approx(expected.value, rel=1e-4)
    for layer in LAYERS:
        assert alike(scale * found.gradient[layer], expected.gradient[layer], 1e-4)


@pytest.mark.parametrize("kind", STYLES)
def test_a_style_given_twice_is_that_style(kind, score, picture, example):
    once = score(of_kind(kind), picture, (example, None))
    twice = score(of_kind(kind), picture, (example, None), (example, None), weights=[1, 3])
    assert twice.value == pytest.approx(once.value, rel=1e-5)
    for layer in LAYERS:
        assert alike(twice.gradient[layer], once.gradient[layer], 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", STYLES)
def test_a_region_that_is_everywhere_is_none(kind, score, picture, example):
    once = score(of_kind(kind), picture, (example, None))
    everywhere = region(picture, lambda height, width: ...)
    again = score(of_kind(kind), picture, (example, everywhere), masks=[everywhere])
    assert again.value == pytest.approx(once.value, rel=1e-5)
    for layer in LAYERS:
        assert alike(again.gradient[layer], once.gradient[layer], 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", STYLES)
def test_styles_in_regions_are_weighed_one_by_one_and_change_nothing_outside(kind, score, draw):
    picture, *styles = (arrays(16, 12, draw.random) for _ in range(3))
    masks = [
        region(picture, lambda height, width: slice(height // 2)),
        region(picture, lambda height, width: slice(height // 3)),
    ]
    both = score(of_kind(kind), picture, *((style, None) for style in styles), weights=[1, 3], masks=masks)
    one, other = (score(of_kind(kind), picture, (style, None), masks=[mask]) for style, mask in zip(styles, masks, strict=True))
    assert both.value == pytest.approx(one.value / 4 + other.value * 3 / 4, rel=1e-5)
    for layer in LAYERS:
        assert both.gradient[layer].any()
        assert not both.gradient[layer][-2:].any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", STYLES)
def test_a_small_region_is_styled_as_strongly_as_a_large_one(kind, score, example):
    flat = arrays(48, 48, lambda size: np.broadcast_to(np.linspace(0.2, 0.9, size[2]), size))

    def styled(height, width):
        mask = region(flat, lambda h, w: (slice(h * height // 48), slice(w * width // 48)))
        found = score(of_kind(kind), flat, ({**flat, **example, "pixels": flat["pixels"]}, None), masks=[mask])
        return found.value, *(found.gradient[layer].sum((0, 1)) for layer in LAYERS)

    for small, large in zip(styled(8, 6), styled(24, 48), strict=True):  # 2 % and 50 %
        assert alike(small, large, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_visible_does_not_count(kind, score, draw):
    """Of the picture, its content and its style; what is changed lies further away than patches and differences reach."""
    pictures = [arrays(12, 24, draw.random) for _ in range(3)]
    left = region(pictures[0], lambda height, width: (slice(None), slice(width * 5 // 12)))
    counted = jnp.zeros((12, 24)).at[:, :10].set(1)

    def scored(picture, content, style):
        examples = (content, left), (style, left)
        return score(of_kind(kind), picture, *examples, weights=[1, 2], visible=left, counted=counted)

    def changed(picture):
        right = {name: np.arange(each.shape[1]) >= each.shape[1] * 7 // 12 for name, each in picture.items()}
        return {name: np.where(right[name][:, None], draw.random(each.shape), each) for name, each in picture.items()}

    found, expected = scored(*map(changed, pictures)), scored(*pictures)
    assert found.value == pytest.approx(expected.value, rel=1e-5)
    for name, gradient in expected.gradient.items():
        assert np.abs(found.gradient[name] - gradient).max() <= 1e-5 * max(1e-9, np.abs(gradient).max())
        assert not gradient[:, gradient.shape[1] * 7 // 12 :].any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_compiled_behind_a_network(kind, draw, tiny_vgg):
    objective = Objective.of([of_kind(kind)], describe(tiny_vgg))
    tensors = {name: jnp.float32(tensor) for name, tensor in tiny_vgg.tensors.items()}
    pixels, content, *styles = (jnp.float32(draw.random(size)) for size in ((20, 17, 3), (20, 17, 3), (21, 15, 3), (17, 23, 3)))
    given = {"content": ExamplePicture(content), "styles": [ExamplePicture(style) for style in styles]}
    constants = objective.prepare(tensors, **given, weights=[2.0, 1.0], regions=None)
    (value, _), gradient = jax.jit(jax.value_and_grad(objective, has_aux=True))(pixels, constants, jax.random.key(0))
    assert value > 0
    assert np.isfinite(gradient).all()
    assert gradient.any()
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(constants.targets))

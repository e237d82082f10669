"""The loss and its gradient in tiles: the same as of the whole picture, for every loss that can, and for no other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import TypeAdapter

from stylepipe.artifacts import Weights
from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg_layout import Vgg, describe
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.loss import FeatureLoss
from stylepipe.neural.losses.loss_kinds import AnyLoss, loss_kinds
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.optimizers.lbfgs_zoom import LbfgsZoom
from stylepipe.neural.style_transfer import tiled_objective
from stylepipe.neural.style_transfer.layer_masks import layer_masks
from stylepipe.neural.style_transfer.loss_set import tile_geometry
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective, Visible
from stylepipe.neural.style_transfer.optimize import minimize, result, start
from stylepipe.neural.style_transfer.tiled_objective import TiledObjective

KEY = jax.random.key(0)
SIZE = (39, 53)
KINDS = list(loss_kinds().models)


def random_vgg(depth, widths):
    """A network with activations of about 1 at all depths."""
    draw = np.random.default_rng(4)
    tensors = {"normalise/kernel": np.eye(3)[None, None] * 2, "normalise/bias": np.full(3, -1.0)}
    before = 3
    for block, (count, width) in enumerate(zip(depth, widths, strict=True), 1):
        for index in range(1, count + 1):
            tensors[f"conv{block}_{index}/kernel"] = draw.normal(size=(3, 3, before, width)) / np.sqrt(4.5 * before)
            tensors[f"conv{block}_{index}/bias"] = draw.normal(size=width) / 10
            before = width
    return Weights({k: np.float32(v) for k, v in tensors.items()}, {"pooling": "max", "padding": "zeros"})


DEEP = random_vgg((1, 1, 1, 1, 1), (3, 4, 4, 5, 5))
"""It sees 1 + 2 + 4 + 8 + 16 pixels around what a position of relu5_1 stands for: a margin of 32."""


class Problem:
    """A picture, and the examples of its loss, with masks or without."""

    def __init__(self, losses, weights, size, style, *, masked=False, dtype=np.float32):
        draw = np.random.default_rng(0)
        self.objective = Objective.of(losses, describe(weights))
        self.tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}

        def picture(shape):
            return jnp.asarray(draw.random((*shape, 3)), dtype)

        def mask(shape):
            soft = np.clip(2 * draw.random() * np.indices(shape)[draw.integers(2)] / max(shape), 0, 1)
            layers, vgg = self.objective.layers(), self.objective.encoder
            return layer_masks(soft, layers=layers, encoder=vgg, pooling="network", name="mask") if masked else None

        self.pixels = picture(size)
        self.examples = {
            "content": ExamplePicture(picture(size), mask(size)),
            "styles": [ExamplePicture(picture(style), mask(style)) for _ in range(2)],
            "weights": [1.0, 3.0],
            "regions": [mask(size) for _ in range(2)] if masked else None,
            "visible": Visible(jnp.asarray(draw.random(size), dtype), mask(size)) if masked else None,
        }
        self.constants = self.objective.prepare(self.tensors, **self.examples)

    def whole(self):
        """The loss, its terms and the gradient, of the whole picture at once."""
        return jax.jit(jax.value_and_grad(self.objective, has_aux=True))(self.pixels, self.constants, KEY)

    def tiled(self, tile):
        """The same in tiles."""
        tiled = TiledObjective.of(self.objective, tile)
        return tiled.value_and_gradient(self.pixels, tiled.prepare(self.tensors, **self.examples), KEY)


def error(found, expected):
    """How far it is off, relative to the size of the whole."""
    found, expected = np.float64(found), np.float64(expected)
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def of_kind(kind, **parameters):
    loss = TypeAdapter(AnyLoss).validate_python({"kind": kind})
    return loss.model_copy(update=parameters if isinstance(loss, FeatureLoss) else {})


@pytest.fixture(scope="module")
def plain(tiny_vgg):
    """Losses that a picture's size enters in different ways; the network pads by reflection and sees 1 + 2 + 4 pixels."""
    losses = [
        Content(layers={"relu2_1": 1}, scaling="sum/(C*S)"),
        Content(layers={"relu2_1": 1}, normalize="styles"),
        Gram(layers={"relu1_1": 1, "relu3_1": 1}, shift=0.5),
        TotalVariation(exponent=1.5),
    ]
    return Problem(losses, tiny_vgg, SIZE, (43, 50))


@pytest.fixture(scope="module")
def expected(plain):
    return plain.whole()


@pytest.mark.slow  # to compile
def test_all_losses_and_masks_over_a_deep_network_are_exact():
    with jax.enable_x64(True):
        losses = [of_kind(kind, layers={"relu2_1": 1.0, "relu5_1": 2.0}) for kind in KINDS if of_kind(kind).additive]
        losses.append(Content(layers={"relu2_1": 1}, target=0.3))
        losses.append(Content(layers={"relu2_1": 1}, target=0.3, normalize="styles"))
        problem = Problem(losses, DEEP, (145, 159), (83, 61), masked=True, dtype=np.float64)
        (loss, terms), gradient = problem.tiled(97)
        (whole, each), expected = problem.whole()
    assert len(terms) >= 5
    assert error(terms, each) < 1e-9
    assert error(loss, whole) < 1e-9
    assert error(gradient, expected) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("tile", [24, 31, 64])
def test_in_single_precision_tiles_of_any_size_give_what_the_whole_gives(plain, expected, tile):
    (loss, terms), gradient = plain.tiled(tile)
    assert error(loss, expected[0][0]) < 1e-5
    assert error(terms, expected[0][1]) < 1e-5
    assert error(gradient, expected[1]) < 1e-5


def test_the_margin_is_what_the_deepest_layer_sees_rounded_up_to_its_window():
    vgg19 = Vgg((2, 2, 4, 4, 4), "max", "zeros")
    assert tile_geometry(Objective.of([Gram()], vgg19)) == (80, 16)  # 2·1 + 2·2 + 4·4 + 4·8 + 16 = 70
    assert tile_geometry(Objective.of([Gram(layers={"relu2_2": 1})], vgg19)) == (6, 2)
    assert tile_geometry(Objective.of([TotalVariation()], vgg19)) == (1, 1)


@pytest.mark.slow
def test_a_smaller_margin_would_not_do(plain, expected, monkeypatch):
    assert tile_geometry(plain.objective) == (8, 4)
    monkeypatch.setattr(tiled_objective, "tile_geometry", lambda _: (4, 4))
    assert error(plain.tiled(31)[1], expected[1]) > 1e-3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not of_kind(kind).additive])
def test_a_loss_that_does_not_add_up_over_tiles_says_so(kind):
    objective = Objective.of([Gram(), of_kind(kind)], describe(DEEP))
    with pytest.raises(StageError, match=f"'{kind}' cannot be computed in tiles: .* are not sums over positions") as caught:
        TiledObjective.of(objective, 512)
    able = caught.value.hint.split(".")[0].removeprefix("Losses that support tiles are ").split(", ")
    assert {"content", "gram", "moments", "total_variation", "wasserstein"} <= set(able)
    assert kind not in able


def test_tiles_must_be_more_than_margin():
    objective = Objective.of([Gram()], describe(DEEP))
    assert TiledObjective.of(objective, 96).terms == ("gram",)
    with pytest.raises(StageError, match="have 95 pixels; with a margin of 32 they need at least 96"):
        TiledObjective.of(objective, 95)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [Lbfgs(memory=3), Adam()], ids=lambda optimizer: optimizer.kind)
def test_a_run_in_tiles_ends_where_one_of_the_whole_does(tiny_vgg, optimizer):
    """In double precision: in single precision the roundings of sums in two orders grow from step to step of L-BFGS."""
    with jax.enable_x64(True):
        problem = Problem(
            [Content(layers={"relu2_1": 1}), Gram(layers={"relu1_1": 1, "relu3_1": 1})],
            tiny_vgg,
            SIZE,
            (43, 50),
            dtype=np.float64,
        )
        tiled = TiledObjective.of(problem.objective, 31)
        ends = []
        for objective, constants in (
            (problem.objective, problem.constants),
            (tiled, tiled.prepare(problem.tensors, **problem.examples)),
        ):
            begun = start(optimizer, problem.pixels, terms=2)
            *_, last = minimize(objective, constants, begun, optimizer=optimizer, iterations=20, key=KEY)
            ends.append((result(optimizer, last.state), last.losses[-1].value))
    (picture, loss), (other, its_loss) = ends
    assert error(other, picture) < 1e-6
    assert its_loss == pytest.approx(loss, rel=1e-6)


def test_an_optimizer_that_searches_within_a_step_is_refused(plain):
    tiled = TiledObjective.of(plain.objective, 31)
    begun = start(LbfgsZoom(), plain.pixels, terms=4)
    with pytest.raises(StageError, match="'lbfgs_zoom' does not support tiles"):
        next(minimize(tiled, plain.constants, begun, optimizer=LbfgsZoom(), iterations=1, key=KEY))

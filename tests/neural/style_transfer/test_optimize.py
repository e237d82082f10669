"""The loop: what it reports, when it stops, and that an interruption leaves no trace."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.sliced_wasserstein import SlicedWasserstein
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.optimizers.lbfgs_zoom import LbfgsZoom
from stylepipe.neural.style_transfer import optimize
from stylepipe.neural.style_transfer.early_stop import EarlyStop
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective
from stylepipe.neural.style_transfer.optimize import minimize, restored, result, saved, start
from stylepipe.neural.weights.published_layouts import read_weights

KEY = jax.random.key(0)
ZOOM = pytest.param(LbfgsZoom(memory=3), marks=pytest.mark.slow)  # its program takes longest to compile
OPTIMIZERS = [Lbfgs(memory=3), Adam(), ZOOM]
SIZE = (18, 22)


@pytest.fixture(scope="module")
def problem(tiny_vgg):
    draw = np.random.default_rng(1)
    content, style = (jnp.float32(draw.random((*SIZE, 3))) for _ in range(2))
    losses = [Content(layers={"relu2_1": 1}), Gram(layers={"relu1_1": 1, "relu3_1": 1}), TotalVariation()]
    objective = Objective.of(losses, describe(tiny_vgg))
    tensors = {name: jnp.asarray(tensor) for name, tensor in tiny_vgg.tensors.items()}
    examples = {"content": ExamplePicture(content), "styles": [ExamplePicture(style)], "weights": [1.0], "regions": None}
    return objective, objective.prepare(tensors, **examples), content


def begun(optimizer, problem):
    return start(optimizer, problem[2], terms=3)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.kind)
def test_the_loss_falls_and_each_step_reports_its_terms(problem, optimizer):
    objective, constants, _ = problem
    losses = []
    for step in minimize(objective, constants, begun(optimizer, problem), optimizer=optimizer, iterations=12, key=KEY):
        assert step.iteration == len(losses) + 1
        ((loss, terms),) = step.losses
        assert sum(terms) == pytest.approx(loss, rel=1e-5)
        losses.append(loss)
        pixels = result(optimizer, step.state)
        assert 0 <= pixels.min() <= pixels.max() <= 1
    assert len(losses) == 12
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("optimizer", [Lbfgs(), LbfgsZoom()], ids=lambda o: o.kind)
def test_a_loss_that_is_drawn_at_each_step_is_refused_by_optimizers_that_compare_losses(problem, optimizer):
    objective = Objective.of([Content(layers={"relu2_1": 1}), SlicedWasserstein(layers={"relu1_1": 1})], problem[0].encoder)
    with pytest.raises(StageError) as caught:
        next(minimize(objective, problem[1], begun(optimizer, problem), optimizer=optimizer, iterations=1, key=KEY))
    assert str(caught.value) == (
        f"The loss 'sliced_wasserstein' draws random numbers at each step, and the optimizer '{optimizer.kind}' compares "
        "losses of different steps: it would stall. Use `optimizer: {kind: adam}`."
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.kind)
@pytest.mark.parametrize("interrupted", [(1,), (2, 5), (7,)])
def test_an_interrupted_run_ends_with_the_same_bytes(problem, optimizer, interrupted):
    objective, constants, _ = problem
    options = {"optimizer": optimizer, "key": KEY, "early_stop": EarlyStop(window=2, improvement=1e-6)}
    *_, whole = minimize(objective, constants, begun(optimizer, problem), iterations=8, **options)
    expected = result(optimizer, whole.state)
    step = begun(optimizer, problem)
    for until in (*interrupted, 8):
        *_, step = minimize(objective, constants, step, iterations=until, **options)
        step = restored(optimizer, saved(step), SIZE, terms=3)
    np.testing.assert_array_equal(result(optimizer, step.state), expected)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.kind)
def test_several_iterations_in_one_program_are_as_one_at_a_time(problem, optimizer):
    objective, constants, _ = problem
    options = {"optimizer": optimizer, "key": KEY, "iterations": 13, "early_stop": EarlyStop(window=6, improvement=1e-6)}
    singly = list(minimize(objective, constants, begun(optimizer, problem), **options))
    expected = [result(optimizer, singly[-1].state), [loss for step in singly for loss in step.losses]]
    together = list(minimize(objective, constants, begun(optimizer, problem), at_once=5, stops=[7], **options))
    assert [step.iteration for step in together] == [5, 6, 7, 12, 13]
    assert together[-1].history == pytest.approx(singly[-1].history, rel=1e-5)
    np.testing.assert_allclose(result(optimizer, together[-1].state), expected[0], atol=1e-5)
    found = [loss for step in together for loss in step.losses]
    np.testing.assert_allclose([loss.value for loss in found], [loss.value for loss in expected[1]], rtol=1e-5)
    np.testing.assert_allclose([loss.terms for loss in found], [loss.terms for loss in expected[1]], rtol=1e-4)


def test_what_is_saved_is_not_changed_by_the_steps_after_it(problem):
    objective, constants, _ = problem
    steps = minimize(objective, constants, begun(Lbfgs(), problem), optimizer=Lbfgs(), iterations=4, key=KEY)
    kept = saved(next(steps))
    copy = {name: array.copy() for name, array in kept.items()}
    list(steps)
    for name, array in kept.items():
        np.testing.assert_array_equal(array, copy[name])


def test_the_picture_that_a_run_starts_from_stays_as_it_was(problem):
    objective, constants, content = problem
    before = np.array(content)
    list(minimize(objective, constants, begun(Lbfgs(), problem), optimizer=Lbfgs(), iterations=2, key=KEY))
    np.testing.assert_array_equal(content, before)


def test_it_stops_when_a_window_gains_too_little(problem):
    objective, constants, _ = problem
    options = {"optimizer": Lbfgs(), "iterations": 60, "key": KEY}
    losses = [step.losses[0].value for step in minimize(objective, constants, begun(Lbfgs(), problem), **options)]
    assert len(losses) == 60
    ends = losses[4::5]
    gains = [(a - b) / a for a, b in pairwise(ends)]
    bound = gains[3] * 1.0001
    expected = 5 * (next(i for i, gain in enumerate(gains) if gain < bound) + 2)
    stop = EarlyStop(window=5, improvement=bound)
    found = [
        step.losses[0].value for step in minimize(objective, constants, begun(Lbfgs(), problem), early_stop=stop, **options)
    ]
    assert len(found) == expected < 60
    assert found == losses[:expected]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.kind)
def test_a_loss_that_is_not_finite_names_iteration_and_term(problem, optimizer):
    objective, constants, content = problem
    content_goal, style_goal, last = constants.targets
    nothing = {layer: jnp.full_like(values, jnp.nan) for layer, values in style_goal.target.means.items()}
    targets = (content_goal, style_goal._replace(target=style_goal.target._replace(means=nothing)), last)
    broken = constants._replace(targets=targets)
    with pytest.raises(optimize.Diverged, match="not finite at iteration 1: the term 'gram' is nan") as caught:
        list(minimize(objective, broken, begun(optimizer, problem), optimizer=optimizer, iterations=3, key=KEY))
    np.testing.assert_allclose(caught.value.pixels, content, rtol=1e-5)


def test_a_loss_that_breaks_later_leaves_the_last_good_picture(problem):
    objective, constants, _ = problem
    optimizer = Adam(averaging=0)
    steps = minimize(objective, constants, begun(optimizer, problem), optimizer=optimizer, iterations=9, key=KEY)
    second = [next(steps) for _ in range(2)][1]
    good = result(optimizer, second.state)
    weights = {name: tensor * jnp.float32(3e38) for name, tensor in constants.tensors.items()}
    after = minimize(objective, constants._replace(tensors=weights), second, optimizer=optimizer, iterations=9, key=KEY)
    with pytest.raises(optimize.Diverged, match="at iteration 3") as caught:
        next(after)
    np.testing.assert_array_equal(caught.value.pixels, good)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.kind)
def test_of_several_iterations_in_one_program_the_first_that_breaks_is_the_last(problem, optimizer):
    objective, _, _ = problem
    kink = Kink((TotalVariation(),), objective.encoder)
    begin = start(optimizer, jnp.full((*SIZE, 3), 0.5), terms=1)
    options = {"optimizer": optimizer, "iterations": 9, "at_once": 4, "key": KEY}
    with pytest.raises(optimize.Diverged, match="The gradient of the loss is not finite at iteration 1"):
        list(minimize(kink, problem[1], begin, **options))


class Kink(Objective):
    """The distance from 0.5 in all pixels: at 0.5 its gradient is 0/0."""

    def __call__(self, pixels, constants, key):
        loss = jnp.sqrt(jnp.sum((pixels - 0.5) ** 2))
        return loss, loss[None]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.kind)
def test_a_gradient_that_is_not_finite_is_named(problem, optimizer):
    objective, constants, _ = problem
    kink = Kink((TotalVariation(),), objective.encoder)
    begin = start(optimizer, jnp.full((*SIZE, 3), 0.5), terms=1)
    with pytest.raises(optimize.Diverged, match="The gradient of the loss is not finite at iteration 1") as caught:
        list(minimize(kink, constants, begin, optimizer=optimizer, iterations=2, key=KEY))
    np.testing.assert_allclose(caught.value.pixels, 0.5, rtol=1e-5)


def test_a_larger_scale_starts_from_the_result_of_the_smaller(problem):
    objective, constants, _ = problem
    *_, step = minimize(objective, constants, begun(Adam(), problem), optimizer=Adam(), iterations=3, key=KEY)
    larger = optimize.enlarged(Adam(), step, jnp.full((36, 44, 3), 0.25))
    assert larger.iteration == 0
    assert larger.state.moments.mu.shape == (36, 44, 3)
    np.testing.assert_array_equal(result(Adam(), larger.state), np.float32(0.25))


@pytest.mark.slow
def test_lbfgs_reaches_the_loss_of_scipys_at_as_many_evaluations(slim_vgg19, pictures):
    """200 evaluations each, without bounds, on a picture of 64×36 in the style of another: within 2 %."""
    from scipy import optimize as scipy_optimize

    from stylepipe.image.files.io import read_image
    from stylepipe.image.resize import resize

    weights = read_weights(slim_vgg19)
    tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}
    folder = pictures / "seed_images"
    content = jnp.clip(resize(read_image(folder / "content" / "ancient_city.jpg").pixels, (36, 64)), 0, 1)
    style = jnp.clip(resize(read_image(folder / "style" / "blue_swirls.jpg").pixels, (42, 64)), 0, 1)
    gram = Gram(weight=6.0, layers={"relu1_1": 1, "relu2_1": 1, "relu3_1": 1})
    objective = Objective.of([Content(layers={"relu3_1": 1}), gram, TotalVariation(weight=2.0)], describe(weights))
    constants = objective.prepare(
        tensors, content=ExamplePicture(content), styles=[ExamplePicture(style)], weights=[1.0], regions=None
    )

    @jax.jit
    def value_and_gradient(pixels, constants):
        return jax.value_and_grad(objective, has_aux=True)(pixels, constants, KEY)

    losses = []

    def scipys(x):
        (loss, _), gradient = value_and_gradient(jnp.float32(x.reshape(content.shape)), constants)
        losses.append(float(loss))
        return float(loss), np.float64(gradient).ravel()

    options = {"maxfun": 200, "maxiter": 200, "maxcor": 10, "ftol": 0, "gtol": 0}
    scipy_optimize.minimize(scipys, np.float64(content).ravel(), jac=True, method="L-BFGS-B", options=options)
    begin = start(Lbfgs(), content, terms=3)
    *_, ours = minimize(objective, constants, begin, optimizer=Lbfgs(), iterations=200, key=KEY, clamp=False)
    assert ours.losses[-1].value <= 1.02 * min(losses[:200])

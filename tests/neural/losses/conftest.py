"""Losses on features that are given, with no network before them."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.neural.losses.loss_inputs import LossInputs, PictureFeatures, References

_BLACK = np.zeros((2, 2, 3))


def _maps(arrays):
    return None if arrays is None else {layer: jnp.float32(values) for layer, values in arrays.items()}


def _picture(features, pixels):
    return PictureFeatures(jnp.float32(pixels), _maps(features))


@pytest.fixture(scope="session")
def evaluate():
    """The value of a loss and its gradient by layer and by `pixels`, by way of the contract: statistics, target, distance.

    Features and masks are dictionaries by layer; `styles` are pairs of features and mask. The pixels of the content are
    `shown`, by default those of the picture; `visible` and `counted` say how visible the picture is at layers and pixels.
    """

    def run(
        loss,
        features,
        *,
        content=None,
        content_mask=None,
        styles=(),
        weights=None,
        masks=None,
        pixels=_BLACK,
        shown=None,
        visible=None,
        counted=None,
        seed=5,
    ):
        key = jax.random.key(seed)
        styles = styles if "styles" in loss.compares else ()
        content = content if "content" in loss.compares else None
        seen = [loss.statistic(LossInputs(_picture(f, pixels), regions=(_maps(m),), key=key)) for f, m in styles]
        for style in seen:
            loss.check_style(style)
        shown = None if content is None else _picture(content, pixels if shown is None else shown)
        everywhere = (_maps(visible),)
        itself = shown and loss.statistic(LossInputs(shown, shown, _maps(content_mask), everywhere, key, counted))
        shares = jnp.float32(weights or [1] * len(styles)) / sum(weights or [len(styles)])
        target = loss.target_of(References(itself, tuple(seen), shares, masks is not None))
        regions = everywhere if masks is None else tuple(map(_maps, masks))

        def score(picture):
            view = LossInputs(picture, shown, _maps(content_mask), regions, key, counted)
            return loss.distance(loss.statistic(view), target)

        value, (by_pixel, by_layer) = jax.value_and_grad(score)(_picture(features, pixels))
        gradient = {"pixels": by_pixel, **by_layer}
        return SimpleNamespace(value=float(value), gradient={name: np.asarray(each) for name, each in gradient.items()})

    return run


@pytest.fixture
def draw():
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def close():
    """Whether float32 values are within 1e-5, or so much, of float64 ones, relative to the size of the whole."""

    def check(found, expected, *, within=1e-5):
        assert np.all(np.isfinite(found))
        assert np.linalg.norm(np.float64(found) - expected) <= within * np.linalg.norm(expected)

    return check


@pytest.fixture(scope="session")
def slope():
    """The gradient of a function of an array in float64, by central differences."""

    def differences(function, at):
        gradient, step = np.zeros(at.shape), 1e-6 * np.abs(at).max()
        for index in np.ndindex(at.shape):
            ahead, behind = at.copy(), at.copy()
            ahead[index] += step
            behind[index] -= step
            gradient[index] = (function(ahead) - function(behind)) / (2 * step)
        return gradient

    return differences


@pytest.fixture(scope="session")
def transported():
    """The mean squared motion of values to wanted ones in order, with its gradient, in float64: every value is there as often
    as its weight, a whole number, says, so that both are as many and the k-th smallest goes to the k-th smallest."""

    def of_row(values, weights, wanted, wanted_weights):
        count = np.lcm(weights.sum(), wanted_weights.sum())
        copies = np.repeat(np.arange(values.size), weights * (count // weights.sum()))
        copies = copies[np.argsort(values[copies], kind="stable")]
        goals = np.sort(np.repeat(np.float64(wanted), wanted_weights * (count // wanted_weights.sum())))
        motion, gradient = values[copies] - goals, np.zeros(values.size)
        np.add.at(gradient, copies, 2 * motion / count)
        return np.mean(motion**2), gradient

    def of_rows(values, wanted, weights=None, wanted_weights=None):
        weights, wanted_weights = (
            np.ones(rows.shape[1], int) if given is None else given
            for rows, given in ((values, weights), (wanted, wanted_weights))
        )
        found = [of_row(np.float64(one), weights, other, wanted_weights) for one, other in zip(values, wanted, strict=True)]
        return np.mean([value for value, _ in found]), np.stack([gradient for _, gradient in found]) / len(values)

    return of_rows

"""The stage `feedforward`: a style in one pass, by a network that was trained for it."""

from pydantic import Field

from stylepipe.artifacts import Image, Weights
from stylepipe.errors import StageError
from stylepipe.neural.networks.feedforward import cost, stylized
from stylepipe.neural.networks.transformation import describe
from stylepipe.neural.style_transfer.style_weights import StyleWeights
from stylepipe.stage import Estimate, Params, stage


class FeedforwardParams(Params):
    """Which of the network's styles."""

    style_weights: StyleWeights | None = Field(
        default=None,
        description="How much each of the network's styles counts, in any unit; all alike by default. `[1, 0]` is the first "
        "of two.",
    )


def _shares(network: Weights, params: FeedforwardParams) -> list[float]:
    """How much each of the network's styles counts, 1 in all."""
    styles = describe(network).styles
    weights = params.style_weights or (1.0,) * styles
    if len(weights) != styles:
        raise StageError(
            f"{len(weights)} style_weights were given for a network of {styles} style{'s'[: styles != 1]}.",
            hint="Give one of 'style_weights' for each style.",
        )
    return [weight / sum(weights) for weight in weights]


def _estimate(image: Image, network: Weights, params: FeedforwardParams) -> Estimate:
    _shares(network, params)
    return Estimate(image, *cost(describe(network), image.size))


@stage(version=1, estimate=_estimate)
def feedforward(image: Image, network: Weights, params: FeedforwardParams) -> Image:
    """Shows an image in a style, or between several, by one pass of a network.

    `network` is an image-transformation network, as `train_style` makes them (see `stylepipe.neural.networks.transformation`).
    How large its strokes are was decided by its training, in pixels: bring the image to another size for larger or smaller
    ones. Any size and aspect will do; of a picture beyond 1920×1080, the memory taken beside it is that of tiles
    and of the maps of the network's blocks, and the result the same. Transparency is kept.

    Raises WeightsError for another network, and StageError for weights that are not one for each of its styles.
    """
    return Image(stylized(network, image.pixels, _shares(network, params)), image.alpha)

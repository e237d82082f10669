"""The stage `feedforward`: stylizes a picture in one forward pass of a trained network."""

from pydantic import Field

from stylepipe.artifacts import Image, Weights
from stylepipe.errors import StageError
from stylepipe.neural.networks.feedforward_cost import cost
from stylepipe.neural.networks.transformation_layout import describe
from stylepipe.neural.style_transfer.style_weights import StyleWeights
from stylepipe.stage import Estimate, Params, stage


class FeedforwardParams(Params):
    """The weights of the network's styles."""

    style_weights: StyleWeights | None = Field(
        default=None,
        description="The weights of the network's styles, in any unit; equal by default. `[1, 0]` selects the first of two.",
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
    """Stylizes an image in one style, or a mix of several, by one forward pass of a network.

    `network` is an image-transformation network from `train_style` (see `stylepipe.neural.networks.transformation`). The size
    of its strokes in pixels is fixed by the training: resize the image for larger or smaller ones. Any size and aspect works;
    pictures beyond 1920×1080 are processed in tiles, with the same result. Transparency is preserved.

    Raises WeightsError for another network, and StageError if `style_weights` are not one per style.
    """
    from stylepipe.neural.networks.feedforward import stylized

    return Image(stylized(network, image.pixels, _shares(network, params)), image.alpha)

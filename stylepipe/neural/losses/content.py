"""Content as features, position by position (Gatys, Ecker and Bethge 2015, arXiv 1508.06576)."""

from typing import Literal

from pydantic import Field, model_validator

from stylepipe.neural.losses.loss import FeatureLoss, Layers, Reference

WEIGHT_AT_TARGET = 10.0
"""The weight of the error at its target: about the middle of the range that pictures need, 0.1 to 1000."""

EXPONENT = 60
"""The exponent with which the weight rises with the error: a hundredfold for 8 percent."""

LARGEST_FACTOR = 1000.0
"""The upper bound of the weight, as a multiple of the weight at the target."""

LARGEST_RATIO = LARGEST_FACTOR ** (1 / EXPONENT)
"""The ratio of error to target at which the weight reaches its bound."""


class Content(FeatureLoss):
    """Preserves the content: compares the picture's features with the content's, position by position.

    For features F of the picture and P of the content, the loss of a layer is mean((F − P)²), over the mean square of P unless
    `normalize` says otherwise. A content mask weights the positions in both means.

    `normalize: styles` divides by the error that is expected where the picture has the style's features S, independent of the
    content: mean(σ_P² + σ_S² + (μ_P − μ_S)²) over the channels, with means and variances over the positions. Several styles
    make one mixture by their weights. With masks, each style's expected error is that of its own region, overlaps are shared
    in proportion to the masks, and positions outside of all masks are expected to keep the content. So 0 is the content, and 1
    shows nothing of it wherever a style applies. Where no error is expected, the divisor is the mean square of P.

    With a target t, the weighted sum e of the layers' losses is replaced by a penalty whose derivative with respect to e is
    10 (e / t)^60, at most 10,000: negligible below the target, and dominant above it. The optimization therefore ends near
    e = t for any pictures: within 10 percent where the required weight is between 0.02 and 3000. Where the styles require less
    change, e ends below t.
    """

    functions = "stylepipe.neural.losses.functions.content_functions"
    additive = True

    kind: Literal["content"] = "content"
    layers: Layers = Field(default={"relu4_2": 1.0})
    normalize: Literal["target", "styles", "none"] = Field(
        default="target",
        description="What divides each layer's loss: `target`, the mean square of the content's features, so that weights do "
        "not depend on the network or the scale of its features; `styles`, the error of the styles' features where they are "
        "independent of the content, so that a `target` means the same for any pictures; `none`, nothing.",
    )
    scaling: Literal["mean", "sum", "sum/C", "sum/(C*S)", "sum/(2*sqrt(C*S))"] = Field(
        default="mean",
        description="How squared differences are reduced, with C the layer's channels and S the pixels of the picture: "
        "the mean; the sum; or the sum scaled as in titu1994's programs (`sum`, `sum/(C*S)`, `sum/(2*sqrt(C*S))`) or in "
        "Tseng's (`sum/C`).",
    )
    target: float | None = Field(
        default=None,
        ge=0.01,
        le=100,
        description="The final error, the weighted sum of the layers' losses; replaces tuning the weight. With `normalize: "
        "styles`, 0.3 is faithful, 0.5 free, and above 0.7 little is left of the content. Otherwise it depends on the "
        "pictures: at relu3_3, 0.2 often leaves a tinted photograph, 0.5 is faithful, 1.1 free; at relu3_1 twice as much.",
    )

    @property
    def compares(self) -> frozenset[Reference]:
        """The content, and with `normalize: styles` the styles."""
        return frozenset({"content", "styles"} if self.normalize == "styles" else {"content"})

    @model_validator(mode="after")
    def _target_has_an_effect(self) -> "Content":
        if self.target is not None and self.weight == 0:
            raise ValueError("'target' needs a weight above 0; leave 'weight' out")
        if self.target is not None and isinstance(self.layers, dict) and min(self.layers.values()) < 0:
            raise ValueError("'target' needs layers of weights that are not negative")
        return self

    def error_of(self, value: float) -> float:
        """Returns the error of a weighted loss: the inverse of the penalty for a target.

        Errors below a fifth of the target are indistinguishable from 0.
        """
        if self.target is None:
            return value / self.weight
        scaled = value / (self.weight * WEIGHT_AT_TARGET * self.target)
        largest = LARGEST_RATIO ** (EXPONENT + 1) / (EXPONENT + 1)
        if scaled > largest:
            return self.target * (LARGEST_RATIO + (scaled - largest) / LARGEST_FACTOR)
        return self.target * (scaled * (EXPONENT + 1)) ** (1 / (EXPONENT + 1))

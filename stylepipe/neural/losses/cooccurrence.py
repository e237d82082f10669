"""Style as co-occurrence at a distance: shifted Gram matrices (Berger and Memisevic 2016, arXiv 1606.01286)."""

from typing import Annotated, Literal

from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.image.sizes import Size
from stylepipe.neural.losses.loss import StyleLoss


class Cooccurrence(StyleLoss):
    """Compares which features occur together at a distance, along columns and rows: produces long structures.

    For features F of shape (h, w, c) and a shift δ, G_δ = Σ_p F_pᵀ F_{p+δ} / n over the n pairs of positions that lie δ apart
    in the layer, once down and once across. The loss of a layer is Σ_δ mean((G_δ − G_δ,style)²), the mean taken of both axes,
    each over the mean square of its G_δ,style unless `normalize: none`. A pair counts by the product of its masks; a region
    that is too small to hold a pair leaves it out. Several styles: the target is the mean of their G_δ by their weights; with
    masks, each style's are compared in its own region, and the losses are summed by those weights.
    """

    functions = "stylepipe.neural.losses.functions.cooccurrence_functions"

    kind: Literal["cooccurrence"] = "cooccurrence"
    shifts: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        default=(4,),
        min_length=1,
        max_length=32,
        description="The distances δ, in positions of the layer: at relu3_1, one is 4 pixels. Tseng takes 4 at each layer.",
    )

    def check_map(self, layer: str, size: Size) -> None:
        """Raises StageError for a layer that is not larger than a shift."""
        for shift in self.shifts:
            if min(size) <= shift:
                least = f"{shift + 1}×{shift + 1}"
                raise StageError(
                    f"The layer '{layer}' has {size[1]}×{size[0]} positions; a shift of {shift} takes at least {least}.",
                    hint="Work at a larger size, or use smaller shifts, or layers of earlier blocks.",
                )

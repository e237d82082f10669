"""Detail of the content as the Laplacian of the pooled picture (Li, Xu, Nie and Chua 2017, arXiv 1707.01253)."""

from typing import Annotated, Literal

from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.image.sizes import Size
from stylepipe.neural.losses.loss import ExampleLoss, Reference


class Laplacian(ExampleLoss):
    """Preserves the content's edges and fine detail, which features of deep layers do not.

    The picture X and the content P are average-pooled over p×p pixels, and their channels summed. With Δ, four times a position
    minus its four neighbors, the loss is Σ_p mean((ΔX − ΔP)²) over all positions with four neighbors, each over mean((ΔP)²)
    unless `normalize: none`. It covers the whole visible picture; masks do not apply.
    """

    functions = "stylepipe.neural.losses.functions.laplacian_functions"

    kind: Literal["laplacian"] = "laplacian"
    pools: tuple[Annotated[int, Field(ge=1, le=256)], ...] = Field(
        default=(4,),
        min_length=1,
        max_length=16,
        description="The sides p of the pooling windows in pixels: 1 preserves the finest detail, larger ones leave it to the "
        "style. Li et al. use 4, or 4 and 16.",
    )

    @property
    def compares(self) -> frozenset[Reference]:
        """The content."""
        return frozenset({"content"})

    def check_size(self, size: Size) -> None:
        """Raises StageError for a picture that has fewer than 3×3 positions after pooling."""
        for pool in self.pools:
            height, width = (side // pool for side in size)
            if min(height, width) < 3:
                raise StageError(
                    f"A pool of {pool} pixels leaves {width}×{height} positions of the picture; a Laplacian needs at least "
                    "3×3.",
                    hint="Work at a larger size, or use smaller pools.",
                )

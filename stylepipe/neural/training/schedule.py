"""The schedule of a training. No JAX here: recipes are checked and costs estimated without it."""

from typing import Literal

from pydantic import Field

from stylepipe.neural.spec import Spec


class Schedule(Spec):
    """Training steps with a linear warmup and a cosine decay of the learning rate.

    The optimizer is Adam (Kingma and Ba 2015, arXiv 1412.6980), or Muon for convolution kernels (Jordan et al. 2024, "Muon: An
    optimizer for hidden layers in neural networks"), which orthogonalizes a kernel's momentum. In the same number of steps Muon
    distilled VGG-19 better; for super-resolution it was no better.
    """

    steps: int = Field(ge=1, le=10_000_000, description="The number of steps.")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="The peak learning rate.")
    kernels: Literal["adam", "muon"] = Field(
        default="adam", description="The optimizer of convolution kernels; all other tensors use adam."
    )
    warmup: int = Field(default=100, ge=0, le=1_000_000, description="Steps over which the learning rate rises from zero.")
    validate_every: int = Field(default=500, ge=1, le=1_000_000, description="Steps from one validation to the next.")
    accumulate: int = Field(
        default=1, ge=1, le=1024, description="Batches per step, whose gradients are averaged in the memory of one batch."
    )
    clip: float = Field(
        default=1.0, gt=0, le=1e9, description="The largest norm of the gradient, to which larger ones are clipped."
    )

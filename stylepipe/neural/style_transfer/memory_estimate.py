"""Estimates the memory and work of a stylization, and chooses the tile size for a memory budget.

Nothing is compiled or run: array sizes follow from the network's channels; XLA's additional memory on the CPU was measured
(docs/benchmarks.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import prod
from typing import NamedTuple

from stylepipe.image.operation_cost import FLOPS
from stylepipe.image.sizes import scaled
from stylepipe.neural.losses.loss import layers_of
from stylepipe.neural.losses.loss_cost import LossCost, loss_cost
from stylepipe.neural.optimizers.optimizer import Optimizer
from stylepipe.neural.style_transfer.loss_set import LossSet, least_tile

TILES = (4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256)
"""The available tile sizes; few, so that few programs are compiled."""

_PICTURE = 12
"""Bytes per pixel of a picture."""

RUNTIME = 470e6
"""Bytes of Python, JAX and compiled programs, independent of the workload."""

_COMPILING = 14e6
"""Bytes per network layer that the compiler needs while it compiles the gradient."""

_READ = 2.0
"""Copies of the activations that style losses read during a gradient, per region."""

_FORWARD = 2.0
"""Copies of all layers' activations during a forward pass without gradient."""

_BACK = 3.0
"""Cost of a gradient in forward passes; a step with a line search may need several gradients."""

_SEARCH = 3
"""Typical number of evaluations of a step with a line search."""

_STEP = 0.005
"""Fixed seconds per step."""

_IN_TILES = 2.0
"""Relative cost of tiling: a second forward pass, and overlap."""

_PREVIEW = 5e-7
"""Seconds per pixel to render and compress a preview."""


class Choice(NamedTuple):
    """A way to compute a scale: the tile side in pixels, or None for untiled, and the estimated peak memory in bytes."""

    tile: int | None
    peak: float


@dataclass(frozen=True)
class Workload:
    """The inputs of the memory estimate of one scale.

    `network` holds the shapes of the network's tensors by name; `size` is the picture's (height, width), `styles` are the
    resized styles'; `regions` is the number of masks of the result; `memories` is the number of devices with separate memory
    over which the picture's rows are sharded. Estimates are then bytes per device.
    """

    objective: LossSet
    network: Mapping[str, tuple[int, ...]]
    optimizer: Optimizer
    size: tuple[int, int]
    styles: Sequence[tuple[int, int]] = ()
    content: bool = True
    regions: int = 0
    memories: int = 1

    def scaled(self, factor: float) -> "Workload":
        """Returns the workload with all sides multiplied by `factor`."""
        return replace(self, size=scaled(self.size, factor), styles=[scaled(style, factor) for style in self.styles])

    def ways(self) -> tuple[Choice, ...]:
        """Returns all choices: untiled, then decreasing tiles if losses and optimizer support them."""
        able = all(loss.additive for loss in self.objective.losses) and not self.optimizer.searches
        least = least_tile(self.objective)
        tiles = [tile for tile in TILES if able and least <= tile < max(self.size)]
        return tuple(Choice(tile, self.peak(tile)) for tile in (None, *tiles))

    def within(self, budget: float) -> Choice:
        """Returns the fastest choice within a budget in bytes, or the one with the lowest peak if none fits."""
        ways = self.ways()
        return next((way for way in ways if way.peak <= budget), min(ways, key=lambda way: way.peak))

    def below(self, choice: Choice) -> Choice | None:
        """Returns the choice with the next smaller tiles, or None."""
        ways = self.ways()
        return next(iter(ways[ways.index(choice) + 1 :]), None)

    def peak(self, tile: int | None) -> float:
        """Estimates the peak memory of the process after compilation, in bytes.

        The maximum of two phases: computing targets, with the styles in memory; and optimizing, with the gradient and either
        the network's activations or the optimizer's temporaries.
        """
        pixels = _area(self.size) / self.memories
        style_pictures = _PICTURE * sum(map(_area, self.styles))
        if tile is None:
            largest = max(map(_area, [self.size, *self.styles])) / self.memories
            targets = _FORWARD * largest * self._by_position(self._passed()) + self._loss_costs.held + self._loss_costs.working
            working = self._gradient(pixels) + self._loss_costs.working / self.memories
        else:
            tile_pixels = _area([min(tile, side) for side in self.size])
            targets = working = self._gradient(tile_pixels) + 3 * _PICTURE * tile_pixels  # picture, content, gradient
        temporary = self.optimizer.state_size().working
        optimizing = _PICTURE * pixels + max(working, _PICTURE * pixels * temporary)
        return self._held(tile) + max(style_pictures + targets, optimizing)

    def process_peak(self, tile: int | None) -> float:
        """Estimates the peak memory of the process in bytes, including compilation, which tiling does not reduce."""
        compiling = _COMPILING * len(self._passed())
        return max(self.peak(tile), self._held(tile) + compiling)

    def work(self, tile: int | None, *, iterations: int, previews: int = 0) -> float:
        """Estimates the work in seconds of one core for all steps and the targets."""
        encoder, pixels = self.objective.encoder, _area(self.size)
        forward = encoder.operations(self.network, self._passed())
        step = (_BACK * forward * pixels + self._loss_costs.operations) * (_SEARCH if self.optimizer.searches else 1)
        targets = forward * (pixels + sum(map(_area, self.styles))) + self._loss_costs.operations
        optimizing = 20 * pixels * self.optimizer.state_size().held
        steps = iterations * (step * (_IN_TILES if tile else 1) + optimizing)
        return (steps + targets) / FLOPS + _STEP * iterations + _PREVIEW * previews * pixels

    @cached_property
    def _loss_costs(self) -> LossCost:
        """The total cost of the losses, in addition to the features that they read."""
        costs = (
            loss_cost(loss, self.objective.encoder, self.network, self.size, self.styles) for loss in self.objective.losses
        )
        return reduce(LossCost.plus, costs, LossCost())

    def _held(self, tile: int | None) -> float:
        """Estimates the bytes that stay allocated."""
        pixels = _area(self.size) / self.memories
        weights = (
            3 * 4 * sum(map(prod, self.network.values()))
        )  # as loaded, as JAX arrays, and transposed for the backward pass
        held = _PICTURE * pixels * (self.optimizer.state_size().held + self.content)
        held += pixels * self.regions * sum(map(self._share, self.objective.layers()))
        if tile is None:
            held += pixels * self._by_position(self.objective.layers("content")) * self.content
            held += self._loss_costs.held
        return RUNTIME + weights + held

    def _gradient(self, pixels: float) -> float:
        read = {name for loss in self.objective.losses if "styles" in loss.compares for name in layers_of(loss)}
        kept = self.objective.encoder.activation_copies * self._by_position(self._passed())
        return pixels * (kept + _READ * max(1, self.regions) * self._by_position(read))

    def _passed(self) -> Sequence[str]:
        """Returns all layers up to the deepest that a loss reads."""
        asked, layers = self.objective.layers(), self.objective.encoder.layers
        return layers[: max((layers.index(name) + 1 for name in asked if name in layers), default=0)]

    def _by_position(self, layers: Sequence[str] | set[str]) -> float:
        """Returns the bytes of the layers' activations per pixel of the picture."""
        counts = self.objective.encoder.channels(self.network)
        return float(sum(counts[name] * self._share(name) for name in layers if name in counts))

    def _share(self, layer: str) -> float:
        """Returns the bytes of one channel of a layer per pixel of the picture."""
        return 4 / self.objective.encoder.stride(layer) ** 2


def _area(size: Sequence[int]) -> float:
    return float(size[0] * size[1])

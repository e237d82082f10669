"""Estimates of the memory and the work of a stylization, and the tiles in which it stays within a budget of memory.

Nothing is compiled or run for it: the sizes of arrays follow from the network's channels, and what XLA keeps besides, on the
CPU, was measured (docs/benchmarks.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import prod
from typing import NamedTuple

from stylepipe.image.operation_cost import FLOPS
from stylepipe.image.resize import scaled
from stylepipe.neural.encoders.vgg_layout import pooling_stages
from stylepipe.neural.losses.loss import layers_of
from stylepipe.neural.losses.loss_cost import LossCost, loss_cost
from stylepipe.neural.optimizers import AnyOptimizer, optimizer_implementation
from stylepipe.neural.style_transfer.objective import Objective
from stylepipe.neural.style_transfer.size_checks import channels
from stylepipe.neural.style_transfer.tiled_objective import least_tile

TILES = (4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256)
"""The sizes to choose from, so that few programs are compiled."""

_PICTURE = 12
"""Bytes per pixel of a picture."""

RUNTIME = 470e6
"""What Python, JAX and compiled programs take, whatever is computed."""

_COMPILING = 14e6
"""What the compiler takes besides, while it works on the gradient, for each layer of the network."""

_ACTIVATIONS = {"max": 1.4, "average": 4.6, "l2": 4.6}
"""How often a gradient keeps the activations of all layers: once for the way back, and what is being worked on."""

_READ = 2.0
"""How often a gradient keeps the activations that a style loss reads, for each region."""

_FORWARD = 2.0
"""How often a pass without a gradient keeps the activations of all layers."""

_BACK = 3.0
"""What a gradient costs, in passes forward; an optimizer's search may take several gradients for a step."""

_SEARCH = 3
"""Evaluations that a step with a line search takes, usually; it may take more."""

_STEP = 0.005
"""Seconds that a step takes at any size."""

_IN_TILES = 2.0
"""What tiles cost over the whole: a second pass forward, and where they overlap."""

_PREVIEW = 5e-7
"""Seconds that a preview takes for each pixel: it is drawn and compressed."""


class Choice(NamedTuple):
    """A way to compute a scale: in tiles of so many pixels a side, or None, as a whole; and the predicted peak in bytes."""

    tile: int | None
    peak: float


@dataclass(frozen=True)
class Workload:
    """What the memory of one scale depends on.

    `network` holds the shapes of the network's tensors by name; `size` is the picture's (height, width), `styles` are those of
    the styles as they are looked at; `regions` is the number of masks that say where styles apply; `memories` is the number of
    devices, each with a memory of its own, over which the picture's rows lie. What is told is then the bytes of each.
    """

    objective: Objective
    network: Mapping[str, tuple[int, ...]]
    optimizer: AnyOptimizer
    size: tuple[int, int]
    styles: Sequence[tuple[int, int]] = ()
    content: bool = True
    regions: int = 0
    memories: int = 1

    def scaled(self, factor: float) -> "Workload":
        """The same at sides of so many times the length."""
        return replace(self, size=scaled(self.size, factor), styles=[scaled(style, factor) for style in self.styles])

    def ways(self) -> tuple[Choice, ...]:
        """As a whole, then in ever smaller tiles where losses and optimizer can do that."""
        able = all(loss.additive for loss in self.objective.losses) and not self.optimizer.searches
        least = least_tile(self.objective)
        tiles = [tile for tile in TILES if able and least <= tile < max(self.size)]
        return tuple(Choice(tile, self.peak(tile)) for tile in (None, *tiles))

    def within(self, budget: float) -> Choice:
        """The fastest way within a budget of bytes; if none is, the one that takes least."""
        ways = self.ways()
        return next((way for way in ways if way.peak <= budget), min(ways, key=lambda way: way.peak))

    def below(self, choice: Choice) -> Choice | None:
        """The next smaller tiles than those, if there are any."""
        ways = self.ways()
        return next(iter(ways[ways.index(choice) + 1 :]), None)

    def peak(self, tile: int | None) -> float:
        """Bytes of the whole process at the worst moment after compilation, in tiles or as a whole.

        That is the larger of two: when targets are made, the styles are there; later, the gradient is, and either the network's
        activations or what a step of the optimizer works with.
        """
        pixels = _area(self.size) / self.memories
        shown = _PICTURE * sum(map(_area, self.styles))
        if tile is None:
            seen = max(map(_area, [self.size, *self.styles])) / self.memories
            examples = _FORWARD * seen * self._by_position(self._passed()) + self._loss_costs.held + self._loss_costs.working
            working = self._gradient(pixels) + self._loss_costs.working / self.memories
        else:
            seen = _area([min(tile, side) for side in self.size])
            examples = working = self._gradient(seen) + 3 * _PICTURE * seen  # cut out, the content too, and its gradient
        passing = optimizer_implementation(self.optimizer).state_size(self.optimizer).working
        running = _PICTURE * pixels + max(working, _PICTURE * pixels * passing)
        return self._held(tile) + max(shown + examples, running)

    def process_peak(self, tile: int | None) -> float:
        """Bytes of the whole process at its worst moment, be it that of compiling, which tiles do not make smaller."""
        compiling = _COMPILING * len(self._passed())
        return max(self.peak(tile), self._held(tile) + compiling)

    def work(self, tile: int | None, *, iterations: int, previews: int = 0) -> float:
        """Seconds of one core for so many steps, and for the targets."""
        forward, pixels = passing(self.network, self._passed()), _area(self.size)
        step = (_BACK * forward * pixels + self._loss_costs.operations) * (_SEARCH if self.optimizer.searches else 1)
        targets = forward * (pixels + sum(map(_area, self.styles))) + self._loss_costs.operations
        optimizing = 20 * pixels * optimizer_implementation(self.optimizer).state_size(self.optimizer).held
        steps = iterations * (step * (_IN_TILES if tile else 1) + optimizing)
        return (steps + targets) / FLOPS + _STEP * iterations + _PREVIEW * previews * pixels

    @cached_property
    def _loss_costs(self) -> LossCost:
        """What all losses take beside the features that they read."""
        found = (loss_cost(loss, channels(self.network), self.size, self.styles) for loss in self.objective.losses)
        return reduce(LossCost.plus, found, LossCost())

    def _held(self, tile: int | None) -> float:
        """Bytes that are taken all the time."""
        pixels = _area(self.size) / self.memories
        weights = 3 * 4 * sum(map(prod, self.network.values()))  # as they came, as JAX has them, and turned for the way back
        held = _PICTURE * pixels * (optimizer_implementation(self.optimizer).state_size(self.optimizer).held + self.content)
        held += pixels * self.regions * sum(map(_share, self.objective.layers()))
        if tile is None:
            held += pixels * self._by_position(self.objective.layers("content")) * self.content
            held += self._loss_costs.held
        return RUNTIME + weights + held

    def _gradient(self, pixels: float) -> float:
        read = {name for loss in self.objective.losses if "styles" in loss.compares for name in layers_of(loss)}
        kept = _ACTIVATIONS[self.objective.vgg.pooling] * self._by_position(self._passed())
        return pixels * (kept + _READ * max(1, self.regions) * self._by_position(read))

    def _passed(self) -> Sequence[str]:
        """All layers up to the deepest that is read."""
        asked, layers = self.objective.layers(), self.objective.vgg.layers
        return layers[: max((layers.index(name) + 1 for name in asked if name in layers), default=0)]

    def _by_position(self, layers: Sequence[str] | set[str]) -> float:
        """Bytes that activations take, for each pixel of the picture."""
        found = channels(self.network)
        return float(sum(found[name] * _share(name) for name in layers if name in found))


def passing(network: Mapping[str, tuple[int, ...]], layers: Sequence[str]) -> float:
    """Floating-point operations by pixel of a pass through layers of a network, whose tensors' shapes are given by name."""
    kernels = {layer: network.get(f"{layer.replace('relu', 'conv')}/kernel", (0,)) for layer in layers}
    return 2.0 * sum(prod(shape) / 4 ** pooling_stages(layer) for layer, shape in kernels.items())


def _share(layer: str) -> float:
    """Bytes that one channel of a layer takes for each pixel of the picture: every pool leaves a quarter of the positions."""
    return 4 / 4 ** pooling_stages(layer)


def _area(size: Sequence[int]) -> float:
    return float(size[0] * size[1])

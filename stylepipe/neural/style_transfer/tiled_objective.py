"""The exact loss and gradient of a picture, computed tile by tile in the memory of one tile.

Most losses depend on features only through sums over positions. A first pass accumulates these sums over tiles; the distances
and their derivatives with respect to the sums are computed once; a second pass recomputes each tile and backpropagates these
derivatives to its pixels (Galerne et al. 2024, "Scaling Painting Style Transfer", EGSR).

A tile includes a margin around the positions that it counts, so that their features equal those of the whole picture. The
gradients of whole tiles, margins included, are added: the positions that a tile counts depend on no pixel outside it, so the
margin is the network's receptive field, 80 pixels for VGG-19 up to relu5_1. Galerne et al. keep the inner part of each tile's
gradient, which requires twice the margin.

Pooling drops incomplete windows, so tiles start at multiples of the largest window. All tiles have one size, congruent to the
picture's modulo the window, so that the last one ends at the border and pads and rounds as the picture does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from stylepipe.errors import StageError
from stylepipe.image.tiling import Tile, tiles
from stylepipe.neural.encoders.encoder import Encoder
from stylepipe.neural.losses.loss_inputs import LayerMasks, LossInputs, PictureFeatures
from stylepipe.neural.style_transfer.loss_set import least_tile, require, require_sums, tile_geometry
from stylepipe.neural.style_transfer.objective import (
    Constants,
    ExamplePicture,
    Objective,
    Tensors,
    Value,
    Visible,
    regions_of,
    targets,
)
from stylepipe.neural.xla.allocator import return_freed_memory
from stylepipe.neural.xla.compile_options import program

Pixels = Float[Array, "height width 3"]


@dataclass(frozen=True)
class TiledObjective:
    """An objective that processes at most `tile` × `tile` pixels at a time."""

    objective: Objective
    tile: int

    @classmethod
    def of(cls, objective: Objective, tile: int) -> "TiledObjective":
        """Raises StageError for a loss that is not additive, and for tiles that consist mostly of margin."""
        require_sums(objective)
        if tile < least_tile(objective):
            raise StageError(
                f"The tiles have {tile} pixels; with a margin of {tile_geometry(objective)[0]} they need at least "
                f"{least_tile(objective)}.",
                hint="Allow more memory, or use layers of earlier blocks.",
            )
        return cls(objective, tile)

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the losses, as the objective has them."""
        return self.objective.terms

    def prepare(
        self,
        tensors: Tensors,
        *,
        content: ExamplePicture | None,
        styles: Sequence[ExamplePicture],
        weights: Sequence[float],
        regions: Sequence[LayerMasks] | None,
        visible: Visible | None = None,
    ) -> Constants:
        """Computes the targets as `Objective.prepare` does, in tiles. Content features are computed by each tile."""
        require(self.objective.losses, content=content, styles=styles)
        shown, of_styles = None, []
        counted = None if visible is None else visible.alpha
        if content is not None:
            scene = _Scene(content.pixels, content.pixels, content.region, regions_of(None, visible), counted)
            shown = self._sums(tensors, scene, compares="content")
        for style in styles:
            of_styles.append(self._sums(tensors, _Scene(style.pixels, regions=(style.region,)), compares="styles"))
        return Constants(
            tensors,
            None if content is None else PictureFeatures(content.pixels, {}),
            None if content is None else content.region,
            regions_of(regions, visible),
            targets(self.objective, shown, of_styles, weights, regional=regions is not None),
            counted,
        )

    def value_and_gradient(self, pixels: Pixels, constants: Constants, key: PRNGKeyArray) -> tuple[Value, Pixels]:
        """Computes the loss, its terms and the gradient as `Objective.value_and_gradient` does.

        Runs a loop on the host, not under `jax.jit`. Costs two forward passes and one backward pass instead of one each, plus
        the tiles' overlap.
        """
        content = None if constants.content is None else constants.content.pixels
        scene = _Scene(pixels, content, constants.content_region, constants.regions, constants.counted)
        sums = self._sums(constants.tensors, scene, key=key)
        (loss, terms), derivatives = _distance(sums, constants.targets, objective=self.objective.form)
        gradient = jnp.zeros_like(pixels)
        for tile in self._tiles(pixels):
            part = _gradient(
                constants.tensors,
                scene.within(tile, self.objective.encoder),
                _counted(tile),
                key,
                derivatives,
                objective=self.objective.form,
            )
            # One tile after the other: those that wait for nothing would be computed at once, each in memory of its own.
            gradient = jax.block_until_ready(_added(gradient, part, _corner(tile)))
            return_freed_memory()
        return (loss, terms), gradient

    def _sums(
        self, tensors: Tensors, scene: "_Scene", *, compares: str | None = None, key: PRNGKeyArray | None = None
    ) -> tuple[Any, ...]:
        """Computes each loss's statistic of the whole scene; None as in `Objective.statistics`."""
        options = {"objective": self.objective.form, "compares": compares}

        def one(tile: Tile) -> tuple[Any, ...]:
            part = jax.block_until_ready(
                _compiled_statistics(tensors, scene.within(tile, self.objective.encoder), _counted(tile), key, **options)
            )
            return_freed_memory()
            return part

        return reduce(partial(jax.tree.map, jnp.add), map(one, self._tiles(scene.pixels)))

    def _tiles(self, pixels: Pixels) -> Iterator[Tile]:
        margin, step = tile_geometry(self.objective)
        height, width, _ = pixels.shape
        return tiles((height, width), self.tile, margin, step=step)


# --- where the tiles lie ------------------------------------------------------------------------------------------------


def _corner(tile: Tile) -> Int[Array, "2"]:
    """Returns the tile's first row and column in the picture."""
    return jnp.int32([span.start for span in tile])


def _counted(tile: Tile) -> Int[Array, "2 2"]:
    """Returns the half-open ranges of rows and columns that the tile counts, relative to its corner."""
    return jnp.int32([(inside.start, inside.stop) for inside in tile.inside()])


# --- one tile -----------------------------------------------------------------------------------------------------------


class _Scene(NamedTuple):
    """The arrays of the loss inputs, for the whole picture or a tile."""

    pixels: Pixels
    content: Pixels | None = None
    content_region: LayerMasks | None = None
    regions: tuple[LayerMasks | None, ...] = (None,)
    counted: Float[Array, "height width"] | None = None

    def within(self, tile: Tile, encoder: Encoder) -> "_Scene":
        """Cuts out a tile."""
        corner, size = _corner(tile), (tile.rows.length, tile.columns.length)

        def cut(values: Float[Array, "height width *channels"], stride: int = 1) -> Float[Array, "h w *channels"]:
            return _cut(values, corner // stride, size=tuple(length // stride for length in size))

        def masks(region: LayerMasks | None) -> LayerMasks | None:
            return None if region is None else {name: cut(mask, encoder.stride(name)) for name, mask in region.items()}

        content = None if self.content is None else cut(self.content)
        counted = None if self.counted is None else cut(self.counted)
        return _Scene(cut(self.pixels), content, masks(self.content_region), tuple(map(masks, self.regions)), counted)


@partial(jax.jit, static_argnames="size")
def _cut(
    values: Float[Array, "height width *channels"], corner: Int[Array, "2"], *, size: tuple[int, int]
) -> Float[Array, "h w *channels"]:
    channels = values.shape[2:]
    return lax.dynamic_slice(values, jnp.pad(corner, (0, len(channels))), (*size, *channels))


@partial(jax.jit, donate_argnums=0)
def _added(whole: Pixels, part: Float[Array, "h w 3"], corner: Int[Array, "2"]) -> Pixels:
    """Adds a tile's gradient in place."""
    start = jnp.pad(corner, (0, 1))
    return lax.dynamic_update_slice(whole, lax.dynamic_slice(whole, start, part.shape) + part, start)


def _statistics(
    tensors: Tensors,
    scene: _Scene,
    counted: Int[Array, "2 2"],
    key: PRNGKeyArray | None,
    *,
    objective: Objective,
    compares: str | None = None,
) -> tuple[Any, ...]:
    """Computes each loss's statistic over the positions that a tile counts."""
    asked = objective.layers(compares)
    maps = objective.encoder.features(tensors, scene.pixels, asked)
    content = None
    if scene.content is not None:
        layers = objective.layers("content")
        content = PictureFeatures(scene.content, objective.encoder.features(tensors, scene.content, layers))
    own = {name: _own(counted // objective.encoder.stride(name), each.shape[:2], each.dtype) for name, each in maps.items()}
    own_pixels = _own(counted, scene.pixels.shape[:2], scene.pixels.dtype)
    inputs = LossInputs(
        PictureFeatures(scene.pixels, maps),
        content,
        _both(scene.content_region, own),
        tuple(_both(region, own) for region in scene.regions),
        key,
        own_pixels if scene.counted is None else own_pixels * scene.counted,
    )
    return objective.statistics(inputs, compares)


_compiled_statistics = program(static_argnames=("objective", "compares"))(_statistics)


def _own(counted: Int[Array, "2 2"], size: tuple[int, ...], dtype: Any) -> Float[Array, "h w"]:
    """Returns 1 at the positions that a tile counts, 0 elsewhere."""
    rows, columns = ((bounds[0] <= at) & (at < bounds[1]) for at, bounds in zip(map(jnp.arange, size), counted, strict=True))
    return (rows[:, None] & columns).astype(dtype)


def _both(region: LayerMasks | None, own: Mapping[str, Float[Array, "_ _"]]) -> LayerMasks:
    return own if region is None else {name: own[name] * mask for name, mask in region.items()}


@program(static_argnames="objective")
def _distance(sums: tuple[Any, ...], goals: tuple[Any, ...], *, objective: Objective) -> tuple[Any, tuple[Any, ...]]:
    """Computes the loss, its terms, and the derivatives of the loss with respect to the sums."""
    return jax.value_and_grad(objective.distance, has_aux=True)(sums, goals)


@program(static_argnames="objective")
def _gradient(
    tensors: Tensors,
    scene: _Scene,
    counted: Int[Array, "2 2"],
    key: PRNGKeyArray,
    derivatives: tuple[Any, ...],
    *,
    objective: Objective,
) -> Float[Array, "h w 3"]:
    """Computes a tile's contribution to the gradient, from the derivatives of the loss with respect to the sums."""

    def of(pixels: Pixels) -> tuple[Any, ...]:
        return _statistics(tensors, scene._replace(pixels=pixels), counted, key, objective=objective)

    _, pull = jax.vjp(of, scene.pixels)
    return pull(derivatives)[0]

"""The loss of a picture and its gradient tile by tile: the memory is that of a tile, and both are exact.

Most losses depend on features through sums over positions alone. So a first pass adds these sums up over tiles; the distances
and their derivatives by the sums are taken once; and a second pass computes each tile anew and carries these derivatives back
to its pixels (Galerne et al. 2024, "Scaling Painting Style Transfer", EGSR).

A tile sees a margin around what it counts, so that what it counts is as in the whole picture. Of the two exact ways to make a
gradient from that, this one adds up the gradients of whole tiles, margins included: what a tile counts depends on no pixel
outside it, so that the margin is what the network sees, for VGG-19 up to relu5_1 80 pixels. Galerne et al. keep the inner part
of a tile's gradient; for that, the tile must also count all that depends on its inner pixels, which takes twice the margin.

A network pools whole windows only, so tiles start at multiples of the largest window. They have one size, which leaves the same
odd rest as the picture's; so the last one ends at the picture's border, and pads and rounds as the picture does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, NamedTuple, get_args

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from stylepipe.errors import StageError
from stylepipe.image.tiling import Tile, tiles
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import pooling_stages
from stylepipe.neural.losses import AnyLoss
from stylepipe.neural.losses.loss import LayerMasks, LossInputs, PictureFeatures
from stylepipe.neural.optimizers import AnyOptimizer
from stylepipe.neural.style_transfer.objective import (
    Constants,
    ExamplePicture,
    Objective,
    Tensors,
    Value,
    Visible,
    regions_of,
    require,
    targets,
)
from stylepipe.neural.xla.allocator import return_freed_memory
from stylepipe.neural.xla.compile_options import program

Pixels = Float[Array, "height width 3"]


@dataclass(frozen=True)
class TiledObjective:
    """An objective that looks at no more than `tile` × `tile` pixels at a time."""

    objective: Objective
    tile: int

    @classmethod
    def of(cls, objective: Objective, tile: int) -> "TiledObjective":
        """Raises StageError for a loss whose statistics do not add up, and for tiles that are little more than margin."""
        _require_sums(objective)
        if tile < least_tile(objective):
            raise StageError(
                f"The tiles have {tile} pixels; the network sees {_geometry(objective)[0]} around each, so that they need at "
                f"least {least_tile(objective)}.",
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
        """As `objective.prepare`, in tiles too. The content is without features: each tile computes its own."""
        require(self.objective.losses, content=content, styles=styles)
        shown, seen = None, []
        counted = None if visible is None else visible.alpha
        if content is not None:
            scene = _Scene(content.pixels, content.pixels, content.region, regions_of(None, visible), counted)
            shown = self._sums(tensors, scene, compares="content")
        for style in styles:
            seen.append(self._sums(tensors, _Scene(style.pixels, regions=(style.region,)), compares="styles"))
        return Constants(
            tensors,
            None if content is None else PictureFeatures(content.pixels, {}),
            None if content is None else content.region,
            regions_of(regions, visible),
            targets(self.objective, shown, seen, weights, regional=regions is not None),
            counted,
        )

    def value_and_gradient(self, pixels: Pixels, constants: Constants, key: PRNGKeyArray) -> tuple[Value, Pixels]:
        """The loss, its terms and the gradient, as `objective.value_and_gradient` gives them.

        A loop on the host, not to be compiled. It takes two passes forward and one back where the whole picture takes one of
        each, and the tiles' overlap besides.
        """
        content = None if constants.content is None else constants.content.pixels
        scene = _Scene(pixels, content, constants.content_region, constants.regions, constants.counted)
        sums = self._sums(constants.tensors, scene, key=key)
        (loss, terms), slopes = _distance(sums, constants.targets, objective=self.objective.form)
        gradient = jnp.zeros_like(pixels)
        for tile in self._tiles(pixels):
            part = _gradient(constants.tensors, scene.within(tile), _counted(tile), key, slopes, objective=self.objective.form)
            # One tile after the other: those that wait for nothing would be computed at once, each in memory of its own.
            gradient = jax.block_until_ready(_added(gradient, part, _corner(tile)))
            return_freed_memory()
        return (loss, terms), gradient

    def _sums(
        self, tensors: Tensors, scene: "_Scene", *, compares: str | None = None, key: PRNGKeyArray | None = None
    ) -> tuple[Any, ...]:
        """By loss, its statistic of the whole scene; None as in `Objective.statistics`."""
        options = {"objective": self.objective.form, "compares": compares}

        def one(tile: Tile) -> tuple[Any, ...]:
            found = jax.block_until_ready(_compiled_statistics(tensors, scene.within(tile), _counted(tile), key, **options))
            return_freed_memory()
            return found

        return reduce(partial(jax.tree.map, jnp.add), map(one, self._tiles(scene.pixels)))

    def _tiles(self, pixels: Pixels) -> Iterator[Tile]:
        margin, step = _geometry(self.objective)
        height, width, _ = pixels.shape
        return tiles((height, width), self.tile, margin, step=step)


def require_tiles(objective: Objective, optimizer: AnyOptimizer) -> None:
    """Raises StageError for a loss whose statistics do not add up, and an optimizer that does not work in tiles."""
    _require_sums(objective)
    if optimizer.searches:
        raise StageError(
            f"The optimizer '{optimizer.kind}' cannot work in tiles: a step of it evaluates pictures that it finds on its way.",
            hint="Use 'lbfgs' or 'adam', which evaluate one picture a step.",
        )


def _require_sums(objective: Objective) -> None:
    for name, loss in zip(objective.terms, objective.losses, strict=True):
        if not loss.additive:
            able = [spec.model_fields["kind"].default for spec in get_args(get_args(AnyLoss)[0]) if spec.additive]
            raise StageError(
                f"The loss '{name}' cannot be computed in tiles: its statistics of them do not add up to the whole's.",
                hint=f"In tiles there are {', '.join(able)}. Or compute the picture as a whole, at a smaller size.",
            )


def least_tile(objective: Objective) -> int:
    """The smallest tile that is more than margin."""
    return 2 * sum(_geometry(objective))


# --- where the tiles lie ------------------------------------------------------------------------------------------------


def _corner(tile: Tile) -> Int[Array, "2"]:
    """Its first row and column in the picture."""
    return jnp.int32([span.start for span in tile])


def _counted(tile: Tile) -> Int[Array, "2 2"]:
    """The first row that it counts and the one after the last, and the same of the columns, from its corner."""
    return jnp.int32([(inside.start, inside.stop) for inside in tile.inside()])


def _geometry(objective: Objective) -> tuple[int, int]:
    """The margin and step for tiles: how far the deepest layer sees, rounded up to its window, and that window."""
    asked, layers = objective.layers(), objective.vgg.layers
    deepest = max((number for number, name in enumerate(layers) if name in asked), default=-1)
    windows = [2 ** pooling_stages(name) for name in layers[: deepest + 1]]
    step = max(windows, default=1)
    reach = max(1, sum(windows))  # a position more at each convolution; without any, a pixel: differences to the next
    return -(-reach // step) * step, step


# --- one tile -----------------------------------------------------------------------------------------------------------


class _Scene(NamedTuple):
    """What a view is made of, in the whole picture or within a tile."""

    pixels: Pixels
    content: Pixels | None = None
    content_region: LayerMasks | None = None
    regions: tuple[LayerMasks | None, ...] = (None,)
    counted: Float[Array, "height width"] | None = None

    def within(self, tile: Tile) -> "_Scene":
        """What a tile sees of it."""
        corner, seen = _corner(tile), (tile.rows.length, tile.columns.length)

        def cut(values: Float[Array, "height width *channels"], pools: int = 0) -> Float[Array, "h w *channels"]:
            return _cut(values, corner >> pools, size=tuple(length >> pools for length in seen))

        def masks(region: LayerMasks | None) -> LayerMasks | None:
            return None if region is None else {name: cut(mask, pooling_stages(name)) for name, mask in region.items()}

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
    """The picture with a tile's gradient added, in place."""
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
    """By loss, what it reads from the positions that a tile counts."""
    asked = objective.layers(compares)
    found = features(tensors, scene.pixels, layers=asked, vgg=objective.vgg)
    content = None
    if scene.content is not None:
        layers = objective.layers("content")
        content = PictureFeatures(scene.content, features(tensors, scene.content, layers=layers, vgg=objective.vgg))
    own = {name: _own(counted >> pooling_stages(name), each.shape[:2], each.dtype) for name, each in found.items()}
    own_pixels = _own(counted, scene.pixels.shape[:2], scene.pixels.dtype)
    inputs = LossInputs(
        PictureFeatures(scene.pixels, found),
        content,
        _both(scene.content_region, own),
        tuple(_both(region, own) for region in scene.regions),
        key,
        own_pixels if scene.counted is None else own_pixels * scene.counted,
    )
    return objective.statistics(inputs, compares)


_compiled_statistics = program(static_argnames=("objective", "compares"))(_statistics)


def _own(counted: Int[Array, "2 2"], size: tuple[int, ...], dtype: Any) -> Float[Array, "h w"]:
    """1 within what a tile counts, 0 elsewhere."""
    rows, columns = ((bounds[0] <= at) & (at < bounds[1]) for at, bounds in zip(map(jnp.arange, size), counted, strict=True))
    return (rows[:, None] & columns).astype(dtype)


def _both(region: LayerMasks | None, own: Mapping[str, Float[Array, "_ _"]]) -> LayerMasks:
    return own if region is None else {name: own[name] * mask for name, mask in region.items()}


@program(static_argnames="objective")
def _distance(sums: tuple[Any, ...], wanted: tuple[Any, ...], *, objective: Objective) -> tuple[Any, tuple[Any, ...]]:
    """The loss and its terms, and the derivatives of the loss by the sums."""
    return jax.value_and_grad(objective.distance, has_aux=True)(sums, wanted)


@program(static_argnames="objective")
def _gradient(
    tensors: Tensors,
    scene: _Scene,
    counted: Int[Array, "2 2"],
    key: PRNGKeyArray,
    slopes: tuple[Any, ...],
    *,
    objective: Objective,
) -> Float[Array, "h w 3"]:
    """What a tile adds to the gradient at the pixels that it sees, for the derivatives of the loss by the sums."""

    def of(pixels: Pixels) -> tuple[Any, ...]:
        return _statistics(tensors, scene._replace(pixels=pixels), counted, key, objective=objective)

    _, pull = jax.vjp(of, scene.pixels)
    return pull(slopes)[0]

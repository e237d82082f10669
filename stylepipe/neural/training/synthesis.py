"""Training of texture networks: batches of noise, and the losses of `stylize` on the generated textures."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array
from stylepipe.neural.networks.texture import Noise, Tensors, noise, texture
from stylepipe.neural.networks.texture_layout import Texture
from stylepipe.neural.style_transfer.objective import Constants, Objective


class TextureBatch(NamedTuple):
    """The extractor, the losses' targets, the noise of a step, and keys for stochastic losses."""

    extractor: Tensors
    targets: tuple[Any, ...]
    noise: Noise
    keys: PRNGKeyArray


def texture_batches(
    extractor: Tensors, targets: tuple[Any, ...], key: PRNGKeyArray, *, network: Texture, count: int, side: int
) -> Callable[[int], TextureBatch]:
    """Returns a function from a step's number to its batch: noise for `count` textures of `side` pixels a side."""

    def of_step(number: int) -> TextureBatch:
        drawing, own = jax.random.split(jax.random.fold_in(key, number))
        drawn = jax.vmap(lambda one: noise(one, (side, side), network))(jax.random.split(drawing, count))
        return TextureBatch(extractor, targets, drawn, jax.random.split(own, count))

    return of_step


@dataclass(frozen=True)
class Synthesis:
    """The loss of a network, static under `jax.jit`: the mean objective minus `diversity` times the textures' diversity."""

    objective: Objective
    network: Texture
    diversity: float

    def __call__(self, tensors: Tensors, batch: TextureBatch) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Computes the loss, the objective's terms, and 'diversity', which is subtracted."""
        made = jax.vmap(partial(texture, tensors, network=self.network))(batch.noise)
        constants = Constants(batch.extractor, None, None, (None,), batch.targets)
        loss, terms = jax.vmap(lambda pixels, key: self.objective(pixels, constants, key))(made, batch.keys)
        named = dict(zip(self.objective.terms, terms.mean(0), strict=True))
        if not self.diversity:
            return loss.mean(), named
        apart = self.diversity * diversity(made)
        return loss.mean() - apart, {**named, "diversity": apart}


def diversity(made: Float[Array, "pictures *shape"]) -> Float[Array, ""]:
    """(1/B) Σ_i log min_{j≠i} ‖x_i − x_j‖ (Ulyanov, Vedaldi and Lempitsky 2017, arXiv 1701.02096, section 3)."""
    count = len(made)
    flat = made.reshape(count, -1)
    squares = jnp.square(flat[:, None] - flat[None]).sum(-1) + jnp.where(jnp.eye(count, dtype=bool), jnp.inf, 0.0)
    return jnp.mean(jnp.log(jnp.maximum(squares.min(1), 1e-12))) / 2

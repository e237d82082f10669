"""The losses of an objective, and what is known of them without computing. No JAX here: recipes are checked without it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from stylepipe.errors import StageError
from stylepipe.neural.encoders.encoder import Encoder
from stylepipe.neural.losses.loss import Loss, layers_of, resolve
from stylepipe.neural.losses.loss_kinds import loss_kinds
from stylepipe.neural.optimizers.optimizer import Optimizer

_LossSet = TypeVar("_LossSet", bound="LossSet")


@dataclass(frozen=True)
class LossSet:
    """Losses over the features of one network; their layers are resolved."""

    losses: tuple[Loss, ...]
    encoder: Encoder

    @classmethod
    def of(cls: type[_LossSet], losses: Sequence[Loss], encoder: Encoder) -> _LossSet:
        """Resolves the losses of a recipe. Raises StageError as `resolve` does."""
        return cls(tuple(resolve(loss, encoder.layers) for loss in losses), encoder)

    @cached_property
    def form(self: _LossSet) -> _LossSet:
        """The static argument of compiled functions, with all weights 1: weights are arrays, so that they share a program."""
        return replace(self, losses=tuple(loss.model_copy(update={"weight": 1.0}) for loss in self.losses))

    @property
    def terms(self) -> tuple[str, ...]:
        """A name for each loss: its kind, with a number from the second of a kind on."""
        return terms_of(self.losses)

    def layers(self, compares: str | None = None) -> tuple[str, ...]:
        """Returns the layers that the losses read; with `compares`, of the losses that compare with `content` or `styles`."""
        chosen = (loss for loss in self.losses if compares is None or compares in loss.compares)
        return tuple(sorted({layer for loss in chosen for layer in layers_of(loss)}))


def terms_of(losses: Sequence[Loss]) -> tuple[str, ...]:
    """A name for each loss: its kind, with a number from the second of a kind on."""
    kinds = [loss.kind for loss in losses]
    before = [kinds[:i].count(kind) for i, kind in enumerate(kinds)]
    return tuple(f"{kind} {n + 1}" if n else kind for kind, n in zip(kinds, before, strict=True))


def require(losses: Sequence[Loss], *, content: object, styles: Sequence[object]) -> None:
    """Raises StageError if an input that a loss compares with is missing."""
    available = {name for name, value in (("content", content), ("styles", styles)) if value}
    for name, loss in zip(terms_of(losses), losses, strict=True):
        for missing in sorted(loss.compares - available):
            raise StageError(f"The loss '{name}' compares with the {missing}, and none is given.", hint=f"Give '{missing}'.")


def require_deterministic(losses: Iterable[Loss], optimizer: Optimizer) -> None:
    """Raises StageError for a stochastic loss with an optimizer that compares losses of different steps."""
    drawn = next((loss for loss in losses if loss.stochastic), None)
    if drawn is not None and optimizer.compares_losses:
        raise StageError(
            f"The loss '{drawn.kind}' draws random numbers at each step, and the optimizer '{optimizer.kind}' compares losses "
            "of different steps: it would stall.",
            hint="Use `optimizer: {kind: adam}`.",
        )


def require_tiles(objective: LossSet, optimizer: Optimizer) -> None:
    """Raises StageError for a loss that is not additive, and for an optimizer that does not support tiles."""
    require_sums(objective)
    if optimizer.searches:
        raise StageError(
            f"The optimizer '{optimizer.kind}' does not support tiles: its line search evaluates several pictures per step.",
            hint="Use 'lbfgs' or 'adam', which evaluate one picture per step.",
        )


def require_sums(objective: LossSet) -> None:
    """Raises StageError for a loss that is not additive."""
    for name, loss in zip(objective.terms, objective.losses, strict=True):
        if not loss.additive:
            able = [kind for kind, model in loss_kinds().models.items() if model.additive]
            raise StageError(
                f"The loss '{name}' cannot be computed in tiles: its statistics are not sums over positions.",
                hint=f"Losses that support tiles are {', '.join(able)}. Or use a smaller size, without tiles.",
            )


def least_tile(objective: LossSet) -> int:
    """Returns the smallest allowed tile side."""
    return 2 * sum(tile_geometry(objective))


def tile_geometry(objective: LossSet) -> tuple[int, int]:
    """Returns the margin and step of tiles: the largest reach of a layer, rounded up to the largest stride, and that stride."""
    encoder = objective.encoder
    asked = [name for name in objective.layers() if name in encoder.layers]
    step = max(map(encoder.stride, asked), default=1)
    reach = max(map(encoder.reach, asked), default=1)  # at least a pixel, for differences
    return -(-reach // step) * step, step

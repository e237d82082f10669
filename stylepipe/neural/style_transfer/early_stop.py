"""The convergence criterion of an optimization."""

from collections.abc import Sequence

from pydantic import Field

from stylepipe.neural.spec import Spec


class EarlyStop(Spec):
    """Stops when `window` iterations reduce the loss by less than the fraction `improvement`."""

    window: int = Field(default=20, ge=1, le=10_000, description="Iterations over which the improvement is measured.")
    improvement: float = Field(default=1e-3, gt=0, lt=1, description="The least relative reduction of the loss.")

    def has_converged(self, losses: Sequence[float], iteration: int) -> bool:
        """Returns whether a window ends at this iteration and reduced the loss too little since the previous window's end."""
        if iteration % self.window or iteration < 2 * self.window:
            return False
        before, now = losses[iteration - self.window - 1], losses[iteration - 1]
        return before - now < self.improvement * abs(before)


def end(losses: Sequence[float], iterations: int, early_stop: EarlyStop | None) -> int | None:
    """Returns the iteration at which a loop with these losses stops; None if it continues."""
    stops = (k for k in range(1, len(losses) + 1) if k == iterations or (early_stop and early_stop.has_converged(losses, k)))
    return next(stops, None)

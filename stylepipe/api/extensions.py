"""What is wrong with the installed packages that extend stylepipe."""

from collections.abc import Iterator

from stylepipe.errors import ExtensionError
from stylepipe.neural.losses.loss_kinds import loss_kinds
from stylepipe.neural.optimizers.optimizer_kinds import optimizer_kinds
from stylepipe.plugins import usable_stages


def extension_problems() -> tuple[ExtensionError, ...]:
    """Returns the errors of stage packs, stages, losses and optimizers that cannot be used."""
    return (*usable_stages()[1], *loss_kinds().problems.values(), *optimizer_kinds().problems.values())


def function_problems() -> Iterator[ExtensionError]:
    """Yields the errors of losses and optimizers whose functions cannot be used. Imports JAX."""
    for model in (*loss_kinds().models.values(), *optimizer_kinds().models.values()):
        try:
            model.computed_by()
        except ExtensionError as error:
            yield error

"""What is wrong with the installed packages that extend stylepipe."""

from collections.abc import Iterator
from typing import Any

from stylepipe.errors import ExtensionError
from stylepipe.neural.encoders.encoder_kinds import encoder_kinds
from stylepipe.neural.kinds import Kinds
from stylepipe.neural.losses.loss_kinds import loss_kinds
from stylepipe.neural.optimizers.optimizer_kinds import optimizer_kinds
from stylepipe.neural.weights.catalog_entries import weights_catalog
from stylepipe.plugins import usable_stages


def extension_problems() -> tuple[ExtensionError, ...]:
    """Returns the errors of stage packs, stages, losses, optimizers, encoders and weights that cannot be used."""
    return (
        *usable_stages()[1],
        *(problem for each in (*_registries(), weights_catalog()) for problem in each.problems.values()),
    )


def function_problems() -> Iterator[ExtensionError]:
    """Yields the errors of losses, optimizers and encoders whose functions cannot be used. Imports JAX."""
    for model in (model for kinds in _registries() for model in kinds.models.values()):
        try:
            model.computed_by()
        except ExtensionError as error:
            yield error


def _registries() -> tuple[Kinds[Any], ...]:
    return loss_kinds(), optimizer_kinds(), encoder_kinds()

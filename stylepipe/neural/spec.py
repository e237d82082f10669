"""What a recipe says about a part of the computation: the base of losses and optimisers, and the weights of styles."""

import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Spec(BaseModel):
    """Frozen, no unknown names, finite numbers; hashable, so that it can be static under `jax.jit`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __hash__(self) -> int:
        return hash(json.dumps(self.model_dump(mode="json"), sort_keys=True))


def _not_all_zero(weights: tuple[float, ...]) -> tuple[float, ...]:
    if weights and not any(weights):
        raise ValueError("all style weights are 0, and at least one must be above 0")
    return weights


StyleWeights = Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], AfterValidator(_not_all_zero)]
"""How much each of several styles counts, in any unit."""

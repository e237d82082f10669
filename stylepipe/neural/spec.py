"""The base of the models of losses and optimizers in recipes."""

import json

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Frozen, no unknown names, finite numbers; hashable, so that it can be static under `jax.jit`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __hash__(self) -> int:
        return hash(json.dumps(self.model_dump(mode="json"), sort_keys=True))

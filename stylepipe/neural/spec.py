"""The base of the models of losses and optimizers in recipes."""

import json

from stylepipe.models import StrictModel


class Spec(StrictModel):
    """Hashable, so that it can be static under `jax.jit`."""

    def __hash__(self) -> int:
        return hash(json.dumps(self.model_dump(mode="json"), sort_keys=True))

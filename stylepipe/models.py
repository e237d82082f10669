"""The base classes of frozen pydantic models."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A model of what users write: unknown names are forbidden, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class StoredModel(BaseModel):
    """A model of what stylepipe stores: unknown names are ignored, so that later versions may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

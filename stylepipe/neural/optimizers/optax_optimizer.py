"""The optimizers of Optax (DeepMind et al. 2020, The DeepMind JAX Ecosystem)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from stylepipe.errors import did_you_mean
from stylepipe.neural.optimizers.optax_signatures import arguments_of, optimizer_names
from stylepipe.neural.optimizers.optimizer import Optimizer, StateSize

_Bounds = Field(ge=-1e9, le=1e9)
Argument = bool | Annotated[int, _Bounds] | Annotated[float, _Bounds] | str | None


class Optax(Optimizer):
    """Any optimizer of Optax, one evaluation per step, by the name of its function; the result is the last iterate.

    `{kind: optax, name: lion, learning_rate: 0.01, b1: 0.95}`: all other keys are arguments of the function. The gradient that
    it gets is multiplied by the number of pixels and channels, so that the arguments mean the same at each size. At a larger
    size it starts anew.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Argument]  # pyright: ignore[reportIncompatibleVariableOverride] (as pydantic documents it)

    functions: ClassVar[str] = "stylepipe.neural.optimizers.functions.optax_functions"
    libraries: ClassVar[tuple[str, ...]] = ("optax",)

    kind: Literal["optax"] = "optax"
    name: str = Field(description="A function of `optax` that takes a learning rate, or of `optax.contrib`: `contrib.prodigy`.")
    learning_rate: float = Field(gt=0, le=1e9, description="The learning rate; of most, the change of a pixel per step.")

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the function."""
        return self.model_dump(exclude={"kind", "name"})

    def state_size(self) -> StateSize:
        """The iterate and up to five pictures: which of them an optimizer keeps is only known when Optax is imported."""
        return StateSize(held=6, working=2)

    @model_validator(mode="after")
    def _has_the_arguments_of_the_function(self) -> "Optax":
        allowed = arguments_of(self.name)
        if allowed is None or "learning_rate" not in allowed:
            raise ValueError(f"Optax has no optimizer '{self.name}'. {did_you_mean(self.name, optimizer_names())}")
        for name in self.arguments:
            if name not in allowed:
                raise ValueError(f"Optax's '{self.name}' has no argument '{name}'. {did_you_mean(name, list(allowed))}")
        if missing := [name for name, required in allowed.items() if required and name not in self.arguments]:
            raise ValueError(f"Optax's '{self.name}' requires {', '.join(missing)}.")
        return self

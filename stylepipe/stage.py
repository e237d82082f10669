"""The stage contract: a pure function on artifacts and a frozen model of its parameters.

    @stage(version=1)
    def sharpen(image: Image, params: SharpenParams) -> Image:
        ...

Annotated positional arguments are the stage's inputs, `params` is the rest of its block in the recipe, the return annotation is
its output. An input that is not given is None, or () for a list. Where the alpha of an `Image` is 0, its pixels are no part of
the picture: a stage sees colors there that follow from the visible ones around. Keyword-only arguments are services of the
engine, asked for by name: `key`, `emit`, `checkpoint`. A stage may say beforehand what it will take (`Estimate`), and what
cannot go together in a recipe (`Check`). It reads and writes no files, and its function, its module and its name in recipes are
spelled alike.
"""

import importlib
import inspect
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints, runtime_checkable

import numpy as np
from pydantic import BaseModel, ConfigDict

from stylepipe.artifacts import INPUT_KINDS, KINDS, Artifact, Folder, Given, Image, Mask, Weights, blank
from stylepipe.errors import StylepipeError
from stylepipe.transparency import without_hidden


class Params(BaseModel):
    """The base of every stage's parameters: frozen, no unknown names, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- services ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """`done` of `total` iterations are finished; `loss` and its `terms` by name, where the stage minimizes something.

    `pictures` are those that an iteration of a training looks at, so that its speed can be told.
    """

    done: int
    total: int
    loss: float | None = None
    terms: Mapping[str, float] | None = None
    pictures: int = 0


@dataclass(frozen=True)
class Frame:
    """A preview of the result so far, for the run's animation: `pixels` as in `Image`."""

    pixels: np.ndarray


@dataclass(frozen=True)
class Note:
    """Something the user should know although nothing failed."""

    text: str


Emit = Callable[[Progress | Frame | Note], None]
"""The service `emit`: tells the run what happens."""


State = Mapping[str, np.ndarray]
"""What a checkpoint holds: arrays by name."""


@runtime_checkable
class Checkpoint(Protocol):
    """The service `checkpoint`: keeps a stage's state, so that a stopped run goes on where it was.

    A stage that resumes must give the same bytes as one that was never stopped: the state holds all that the rest depends on.
    """

    def load(self) -> State | None:
        """The state saved last for this computation, or one that its trajectory passes through; None if there is none."""
        ...

    def offer(self, state: Callable[[], State]) -> None:
        """Called once per iteration; takes the state when it is time to save. Raises Interrupted if the user asked to stop.

        A stage may then emit the result so far as its last Frame, for the run's folder. The state offered last is also taken
        when a stage with a `Trajectory` has ended.
        """
        ...


SERVICES = ("key", "emit", "checkpoint")

OWN_KEYS = ("use", "foreach")
"""The keys of a stage's block in a recipe that are neither inputs nor parameters."""


# --- trajectories -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trajectory:
    """Says of a stage that goes step by step what its steps do not depend on, so that longer runs continue shorter ones.

    `stopping` names the parameters that only say where it stops. `passes_through` takes parameters and a state that was saved
    with others, which differ in those alone; it says whether a run with these parameters comes to that very state.
    """

    stopping: tuple[str, ...]
    passes_through: Callable[[Any, State], bool]


# --- estimates --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """What is known of a stage before it runs, None for what is not.

    `output` is its result, blank: of the right size, of no content. `memory` is what the stage takes at its most beside its
    inputs, its result included, in bytes. `work` is how many seconds one core of a usual processor would compute, within a
    factor of three or so: it bounds what recipes of others may ask for.
    """

    output: Artifact | None = None
    memory: int | None = None
    work: float | None = None


Estimator = Callable[..., Estimate]
"""Takes the arguments of a stage, but services, with blank artifacts for those whose content is not known yet.

Raises StageError or WeightsError for what the stage would refuse, as far as that is known from parameters, sizes and networks.
"""

Check = Callable[..., None]
"""Takes the arguments of a stage, but services, before any file is read: how many artifacts there are, not what is in them.

Raises StageError where they and the parameters do not go together.
"""


def unknown(**_: Any) -> Estimate:
    """The estimate of a stage that says nothing."""
    return Estimate()


def same_size(of: str) -> Estimator:
    """The estimate of a stage that returns an image or mask of the size of that input."""
    return lambda **arguments: Estimate(arguments[of])


def unchecked(**_: Any) -> None:
    """The check of a stage whose parameters and inputs all go together."""


_PLACEHOLDERS: Mapping[str, Given] = {
    "image": Image(blank(1, 1, 3)),
    "mask": Mask(blank(1, 1)),
    "weights": Weights({}),
    "folder": Folder((), lambda name: Image(blank(1, 1, 3))),
}


# --- the contract -----------------------------------------------------------------------------------------------------


class StageContractError(StylepipeError):
    """A stage that does not keep the contract: a fault of its author, named so that it is found at once."""


@dataclass(frozen=True)
class Input:
    """One input of a stage: its `kind` (image, mask, weights, folder); is it a list (`many`), may it be absent (`optional`)."""

    kind: str
    many: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Stage:
    """A stage as the engine sees it; calling it calls its function, on pictures without hidden colors."""

    name: str
    version: int
    function: Callable[..., Artifact]
    params: type[Params]
    inputs: Mapping[str, Input]
    output: str
    services: frozenset[str]
    estimate: Estimator
    check: Check
    trajectory: Trajectory | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Artifact:
        """Runs the stage's function. What lies under full transparency is filled first (`stylepipe.transparency`)."""
        return self.function(*map(_visible, args), **{name: _visible(value) for name, value in kwargs.items()})

    def arguments(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs, with None or () for those that are left out."""
        return {name: () if given.many else None for name, given in self.inputs.items() if given.optional} | dict(inputs)

    def check_counts(self, bound: Mapping[str, str | Sequence[str]], params: Params) -> None:
        """Calls `check` for a recipe's block, of which inputs are bound to names. Raises what that raises."""
        inputs = {
            name: _PLACEHOLDERS[self.inputs[name].kind]
            if isinstance(names, str)
            else (_PLACEHOLDERS[self.inputs[name].kind],) * len(names)
            for name, names in bound.items()
        }
        self.check(**self.arguments(inputs), params=params)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        """To another process a stage goes by name, and is that process's own there."""
        return _declared, (self.module, self.name)

    @property
    def module(self) -> str:
        """The dotted name of the module that defines the stage."""
        return self.function.__module__

    @property
    def summary(self) -> str:
        """The first line of the stage's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


def stage(
    *, version: int, estimate: Estimator = unknown, check: Check = unchecked, trajectory: Trajectory | None = None
) -> Callable[[Callable[..., Any]], Stage]:
    """Makes a function a stage. `version` changes when the same inputs are to give another result.

    `estimate` says beforehand what is known of it, which plans show and runs check; `check` says what `validate` can refuse.
    `trajectory` lets a longer run go on from the end of a shorter one.

    Raises StageContractError when the signature does not keep the contract (see this module's description).
    """

    def declare(function: Callable[..., Any]) -> Stage:
        hints = get_type_hints(function)
        inputs: dict[str, Input] = {}
        services: set[str] = set()
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.KEYWORD_ONLY:
                services.add(_service(function, parameter.name))
            elif parameter.name != "params":
                inputs[parameter.name] = _input(function, parameter, hints.get(parameter.name))
        params = hints.get("params")
        if not (inspect.isclass(params) and issubclass(params, Params)):
            raise _broken(function, f"its argument 'params' is annotated {params!r}", "a subclass of Params")
        _require_names_apart(function, inputs, params.model_fields)
        for name in trajectory.stopping if trajectory else ():
            if name not in params.model_fields:
                raise _broken(function, f"its trajectory is stopped by '{name}'", "a parameter of it")
        output = _kind(hints.get("return"))
        if output is None or output not in KINDS:
            raise _broken(function, f"it returns {hints.get('return')!r}", f"one of {', '.join(KINDS)}")
        filled = partial(_with_filled, estimate)
        return Stage(
            function.__name__, version, function, params, inputs, output, frozenset(services), filled, check, trajectory
        )

    return declare


def _with_filled(estimate: Estimator, **arguments: Any) -> Estimate:
    """The estimate, with the memory of the pictures whose hidden pixels are filled before the stage gets them."""
    found = estimate(**arguments)
    given = [each for value in arguments.values() for each in (value if isinstance(value, list | tuple) else (value,))]
    filled = sum(each.pixels.nbytes for each in given if isinstance(each, Image) and each.alpha is not None)
    return found if found.memory is None else replace(found, memory=found.memory + filled)


def _visible(argument: Any) -> Any:
    """The argument with the hidden pixels of its pictures filled."""
    match argument:
        case Image():
            return without_hidden(argument)
        case Folder(names, read):
            return Folder(names, lambda name: without_hidden(read(name)))
        case list() | tuple():
            return tuple(map(_visible, argument))
    return argument


def _declared(module: str, name: str) -> Stage:
    return getattr(importlib.import_module(module), name)


def _input(function: Callable[..., Any], parameter: inspect.Parameter, hint: Any) -> Input:
    """Image → one; Image | None → optional; Sequence[Image] → many, optional when it has a default."""
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    optional = type(None) in members or parameter.default is not parameter.empty
    member, *others = [m for m in members if m is not type(None)] or [None]
    many = get_origin(member) is Sequence
    kind = _kind(get_args(member)[0] if many else member)
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise _broken(function, f"it takes '{str(parameter).partition(':')[0]}'", "one argument for each input")
    if kind is None or others:
        raise _broken(function, f"its input '{parameter.name}' is annotated {hint!r}", f"one of {', '.join(INPUT_KINDS)}")
    return Input(kind, many=many, optional=optional)


def _require_names_apart(function: Callable[..., Any], inputs: Collection[str], fields: Collection[str]) -> None:
    """Inputs and parameters stand side by side in a recipe, with the keys that are the recipe's own."""
    for name in inputs:
        if name in fields:
            raise _broken(function, f"'{name}' is both an input and a parameter", "a name of its own for each")
    for name in (*inputs, *fields):
        if name in OWN_KEYS:
            raise _broken(function, f"it takes '{name}', which has a meaning of its own in recipes", "another name")


def _kind(hint: Any) -> str | None:
    return next((name for name, kind in INPUT_KINDS.items() if kind is hint), None)


def _service(function: Callable[..., Any], name: str) -> str:
    if name not in SERVICES:
        raise _broken(function, f"it asks for the service '{name}'", f"one of {', '.join(SERVICES)}")
    return name


def _broken(function: Callable[..., Any], found: str, allowed: str) -> StageContractError:
    return StageContractError(f"Stage '{function.__name__}' in {function.__module__}: {found}; allowed is {allowed}.")

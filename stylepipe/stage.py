"""The stage contract: a stage is a pure function on artifacts, with a frozen model of its parameters.

    @stage(version=1)
    def sharpen(image: Image, params: SharpenParams) -> Image:
        ...

Annotated positional arguments are the stage's inputs, `params` is the rest of its block in the recipe, the return annotation
is its output. An omitted input is None, or () for a list. Pixels with alpha 0 are not part of the picture: stages receive them
filled from the visible pixels around them. Keyword-only arguments are services of the engine, requested by name: `key`, `emit`,
`checkpoint`. A stage may declare an `Estimate` of its cost and a `Check` of its inputs and parameters. It reads and writes no
files. Its function, its module and its name in recipes are spelled alike.

Recipes are checked, and cached runs planned, without what a stage computes with: its module imports that inside its function,
and a model among its parameters, such as a loss, may name the module that computes it (`functions_of`).
"""

import importlib
import inspect
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints, runtime_checkable

import numpy as np
from pydantic import BaseModel

from stylepipe.artifacts import INPUT_KINDS, KINDS, Artifact, Folder, Image, Mask, StageInput, Weights, blank
from stylepipe.errors import ExtensionError
from stylepipe.models import StrictModel
from stylepipe.transparency import without_hidden


class Params(StrictModel):
    """Base class of every stage's parameters."""


def functions_of(model: type[BaseModel]) -> str | None:
    """Returns the dotted name of the module that computes a model of parameters: its class variable `functions`, if any.

    The code of that module is in the keys of the stages whose parameters hold such a model.
    """
    name = getattr(model, "functions", None)
    return name if isinstance(name, str) else None


def libraries_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Returns the names of the distributions that compute a model of parameters: its class variable `libraries`, if any.

    Their versions are in the keys of the stages whose parameters hold such a model.
    """
    names = getattr(model, "libraries", ())
    return names if isinstance(names, tuple) else ()


# --- services ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """Progress of a stage: `done` of `total` iterations, and the `loss` with its `terms` by name where there is one.

    `pictures` is the batch size of a training iteration, from which the speed is computed.
    """

    done: int
    total: int
    loss: float | None = None
    terms: Mapping[str, float] | None = None
    pictures: int = 0


@dataclass(frozen=True)
class Frame:
    """A preview of the current result, for the run's animation: `pixels` as in `Image`."""

    pixels: np.ndarray


@dataclass(frozen=True)
class Note:
    """A message for the user that is not an error."""

    text: str


Emit = Callable[[Progress | Frame | Note], None]
"""The service `emit`: reports progress, frames and notes to the run."""


State = Mapping[str, np.ndarray]
"""The content of a checkpoint: arrays by name."""


@runtime_checkable
class Checkpoint(Protocol):
    """The service `checkpoint`: saves a stage's state, so that an interrupted run resumes where it stopped.

    A resumed stage must return the same bytes as an uninterrupted one: the state holds everything that the rest depends on.
    """

    def load(self) -> State | None:
        """Returns the state saved last for this computation, or one on its trajectory; None if there is none."""
        ...

    def offer(self, state: Callable[[], State]) -> None:
        """Called once per iteration; saves the state when a save is due. Raises Interrupted on the user's request.

        The stage may then emit the current result as its last Frame, for the run's folder. The state offered last is also saved
        when a stage with a `Trajectory` finishes.
        """
        ...


SERVICES = ("key", "emit", "checkpoint")

OWN_KEYS = ("use", "foreach")
"""The keys of a stage's block in a recipe that are neither inputs nor parameters."""


# --- trajectories -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trajectory:
    """Declares that an iterative stage's steps do not depend on its stopping point, so that longer runs extend shorter ones.

    `stopping` names the parameters that only determine where it stops. `passes_through` takes parameters and a state saved
    under other values of these; it returns whether a run with the parameters reaches exactly that state.
    """

    stopping: tuple[str, ...]
    passes_through: Callable[[Any, State], bool]


# --- estimates --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A stage's cost and output size before it runs; None where unknown.

    `output` is a blank artifact of the output's size. `memory` is the stage's peak beside its inputs, including its output,
    in bytes. `work` is the time in seconds on one core of a typical processor, within a factor of about three; it bounds what
    untrusted recipes may request.
    """

    output: Artifact | None = None
    memory: int | None = None
    work: float | None = None


Estimator = Callable[..., Estimate]
"""Takes the arguments of a stage except services; artifacts of unknown content are blank.

Raises StageError or WeightsError for what the stage would reject, judging by parameters, sizes and networks.
"""

Check = Callable[..., None]
"""Takes the arguments of a stage except services, before any file is read: their number is known, their content is not.

Raises StageError where inputs and parameters are incompatible.
"""


def unknown(**_: Any) -> Estimate:
    """The default estimator: everything is unknown."""
    return Estimate()


def same_size(of: str) -> Estimator:
    """Returns the estimator of a stage whose output has the size of the input `of`."""
    return lambda **arguments: Estimate(arguments[of])


def unchecked(**_: Any) -> None:
    """The default check: accepts everything."""


_PLACEHOLDERS: Mapping[str, StageInput] = {
    "image": Image(blank(1, 1, 3)),
    "mask": Mask(blank(1, 1)),
    "weights": Weights({}),
    "folder": Folder((), lambda name: Image(blank(1, 1, 3))),
}


# --- the contract -----------------------------------------------------------------------------------------------------


class StageContractError(ExtensionError):
    """A stage that violates the contract."""


@dataclass(frozen=True)
class Input:
    """One input of a stage: its `kind` (image, mask, weights, folder), `many` for a list, `optional` if it may be absent."""

    kind: str
    many: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Stage:
    """A stage as the engine sees it. Calling it fills the hidden pixels of its pictures and calls its function."""

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
        """Runs the stage's function on pictures whose fully transparent pixels are filled (`stylepipe.transparency`)."""
        return self.function(*map(_visible, args), **{name: _visible(value) for name, value in kwargs.items()})

    def arguments(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the inputs, with None or () for omitted ones."""
        return {name: () if slot.many else None for name, slot in self.inputs.items() if slot.optional} | dict(inputs)

    def check_counts(self, bound: Mapping[str, str | Sequence[str]], params: Params) -> None:
        """Calls `check` with placeholders for the inputs that a recipe's block binds. Raises what `check` raises."""
        inputs = {
            name: _PLACEHOLDERS[self.inputs[name].kind]
            if isinstance(names, str)
            else (_PLACEHOLDERS[self.inputs[name].kind],) * len(names)
            for name, names in bound.items()
        }
        self.check(**self.arguments(inputs), params=params)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        """Pickles a stage by name: another process uses its own copy."""
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
    """Turns a function into a stage. Increase `version` when the same inputs should give another result.

    `estimate` computes its cost for plans and for checks before a run; `check` rejects incompatible inputs in `validate`.
    `trajectory` lets a longer run continue a shorter one.

    Raises StageContractError when the signature violates the contract (see the module's docstring).
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
    """Returns the estimate, plus the memory for the pictures whose hidden pixels are filled."""
    unfilled = estimate(**arguments)
    inputs = [each for value in arguments.values() for each in (value if isinstance(value, list | tuple) else (value,))]
    filled = sum(each.pixels.nbytes for each in inputs if isinstance(each, Image) and each.alpha is not None)
    return unfilled if unfilled.memory is None else replace(unfilled, memory=unfilled.memory + filled)


def _visible(argument: Any) -> Any:
    """Returns the argument with the hidden pixels of its pictures filled."""
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
    """Parses an annotation: Image → one; Image | None → optional; Sequence[Image] → many, optional with a default."""
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
    """Raises for clashes: inputs, parameters and the recipe's own keys share one block."""
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


def _broken(function: Callable[..., Any], fault: str, allowed: str) -> StageContractError:
    return StageContractError(f"Stage '{function.__name__}' in {function.__module__}: {fault}; allowed is {allowed}.")

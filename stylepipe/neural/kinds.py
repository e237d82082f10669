"""The models that recipes name by their `kind`, such as losses, found by entry point: stylepipe's own and those of others.

    [project.entry-points."stylepipe.losses"]
    swirl = "toys.swirl:Swirl"

The name of an entry point is the kind, its value the class. A class with a mistake affects no other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, cast, get_args

from pydantic import BaseModel, Field, create_model, model_validator

from stylepipe.entry_points import distribution_of, guarded, load_entries
from stylepipe.errors import ExtensionError
from stylepipe.neural.spec import Spec

Model = TypeVar("Model", bound=Spec)
Functions = TypeVar("Functions")


@dataclass(frozen=True)
class Kinds(Generic[Model]):
    """The usable classes of a `noun`, such as "loss", by kind; and the errors of the other ones, by kind."""

    noun: str
    models: Mapping[str, type[Model]]
    problems: Mapping[str, ExtensionError]

    @property
    def by_class_name(self) -> Mapping[str, type[Model]]:
        """The usable classes by their own names, sorted."""
        return dict(sorted((model.__name__, model) for model in self.models.values()))


def find_kinds(group: str, noun: str, base: type[Model]) -> Kinds[Model]:
    """Imports the classes that the entry points of a group name, which must be subclasses of `base`."""
    models, problems = load_entries(group, noun, lambda entry: _load(entry, base))
    return Kinds(noun, models, problems)


def union_of(kinds: Kinds[Any]) -> Any:
    """Returns the type of a field that holds one of the models, told apart by `kind`.

    The kind of an unusable class fails with its error. Raises ExtensionError where there is no model of stylepipe's own.
    """
    if not any(model.__module__.startswith("stylepipe.") for model in kinds.models.values()):
        raise ExtensionError(
            f"The kinds of {kinds.noun} that come with stylepipe are not in its metadata; install stylepipe again."
        )
    members = (*kinds.models.values(), *(_unusable(kind, error) for kind, error in kinds.problems.items()))
    if len(members) == 1:
        return members[0]
    return Annotated[Union[members], Field(discriminator="kind")]  # noqa: UP007 (of a tuple)


def _unusable(kind: str, error: ExtensionError) -> type[BaseModel]:
    """Returns a model of any parameters that raises the error of an unusable class.

    A validator of the whole union would do, but pydantic then takes lists in JSON for lists in Python, which are no tuples.
    """

    def fail(value: Any) -> Any:
        raise ValueError(str(error))

    validators: Any = {"fail": model_validator(mode="before")(fail)}
    fields: Any = {"kind": (Literal[kind], kind)}
    return create_model(kind, __doc__=str(error), __validators__=validators, **fields)


@cache
def functions_named_by(model: type, protocol: type[Functions]) -> Functions:
    """Imports the module that a class names in `functions`.

    Raises ExtensionError for a module that cannot be imported, or lacks a function of the protocol.
    """
    name: str = getattr(model, "functions")  # noqa: B009 (a class variable of the bases of losses and optimizers)
    subject = f"The module '{name}' of the package '{package_of(model)}', with the functions of '{model.__name__}',"
    with guarded(f"{subject} cannot be imported"):
        module = import_module(name)
    missing = [each for each in vars(protocol) if not each.startswith("_") and not callable(getattr(module, each, None))]
    if missing:
        raise ExtensionError(f"{subject} lacks {_quoted(missing)}.")
    return cast("Functions", module)


def package_of(model: type) -> str:
    """Returns the names of the distributions that may hold a class, or its module."""
    return " and ".join(distribution_of(model.__module__)) or model.__module__


def _load(entry: Any, base: type[Model]) -> type[Model]:
    """Returns the class of an entry point. Raises ExtensionError, whose message lacks its subject, for a mistake."""
    with guarded(f"cannot be imported from '{entry.value}'"):
        model = entry.load()
    if not (isinstance(model, type) and issubclass(model, base)):
        raise ExtensionError(f"is not a subclass of {base.__module__}.{base.__qualname__}: '{entry.value}'.")
    field = model.model_fields.get("kind")
    if field is None or field.default != entry.name or get_args(field.annotation) != (entry.name,):
        hint = f"Its class must declare kind: Literal['{entry.name}'] = '{entry.name}'."
        raise ExtensionError(f"has another kind in '{entry.value}'.", hint=hint)
    if missing := sorted(getattr(model, "__abstractmethods__", ())):
        raise ExtensionError(f"lacks {_quoted(missing)} in '{entry.value}'.")
    functions = getattr(model, "functions", None)
    if not isinstance(functions, str):
        raise ExtensionError(f"names no module in `functions` of '{entry.value}'.")
    with guarded(f"names the module '{functions}', which cannot be found"):
        spec = find_spec(functions)
    if spec is None:
        raise ExtensionError(f"names the module '{functions}', which does not exist.")
    if not model.__module__.startswith("stylepipe."):  # the tests of stylepipe check its own
        with guarded(f"has parameters in '{entry.value}' that recipes cannot write"):
            model.model_json_schema()
        for library in getattr(model, "libraries", ()):
            with guarded(f"computes with the distribution '{library}'"):
                version(library)
    return model


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

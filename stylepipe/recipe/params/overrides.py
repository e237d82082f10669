"""Overrides of a recipe's params from the command line: `-p name=value`, and `-p name=[…]` in a sweep."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from stylepipe.cache_folder import expand_home
from stylepipe.errors import Place, Problem, RecipeError
from stylepipe.escapes import SURROGATE
from stylepipe.recipe.params.file_patterns import Patterns
from stylepipe.recipe.syntax.yaml_text import MAX_BYTES, KeyPath, error_of, error_of_one, parse
from stylepipe.recipe.validation.problems import Problems, show, suggest

_PLURALS = {int: "whole numbers", float: "numbers", str: "texts", bool: "true and false"}


def override(
    params: Mapping[str, Any], overrides: Mapping[str, str], problems: Problems, *, paths: Mapping[KeyPath, str] | None = None
) -> dict[str, Any]:
    """Returns the params with overrides in place of their defaults.

    A value is one YAML scalar, flow list or flow mapping of the default's type. Text is literal unless it begins with a quote,
    so file names need no quotes. `paths` maps the key paths of file paths to their kinds: there, a leading ~ is expanded, and a
    text in place of a list of images is a list of one.
    """
    paths = paths or {}
    values = dict(params)
    for name, text in overrides.items():
        try:
            value = _read(name, text, params, is_list_of_files=paths.get((name,)) == "images")
            for _, *inner in (path for path in paths if path[0] == name):
                value = with_home(value, inner)
            if paths.get((name,)) == "images":
                value = Patterns().expand(value, "image", Path.cwd(), partial(_refuse, name), confined=False)
            values[name] = value
        except RecipeError as error:
            for problem in error.problems:
                problems.add_elsewhere(problem)
    return values


def axes_of(params: Mapping[str, Any], overrides: Mapping[str, str], problems: Problems) -> dict[str, list[Any]]:
    """Returns the overrides that are lists where the default is a single value (or lists of lists where it is a list).

    An element that is not of the default's type is reported. Text that begins with a bracket needs quotes, and a default of
    null takes any list as its value.
    """
    axes: dict[str, list[Any]] = {}
    for name, text in overrides.items():
        if params.get(name) is None or not text.lstrip().startswith("["):
            continue
        try:
            values = _parse(name, text)
            if same_type(values, params[name]):
                continue
            wrong = [(at, value) for at, value in enumerate(values) if not same_type(value, params[name])]
            if wrong or not values:
                place = Place(f"-p {name}")
                raise RecipeError(
                    [mismatch(f"{name}[{at}]", value, params[name], place) for at, value in wrong]
                    or [Problem(f"{name} is []; expected at least one value.", place)]
                )
            axes[name] = values
        except RecipeError as error:
            for problem in error.problems:
                problems.add_elsewhere(problem)
            axes[name] = []
    return axes


def _refuse(name: str, _: int, message: str) -> None:
    raise error_of_one(message, Place(f"-p {name}"))


def with_home(value: Any, inside: Sequence[str | int] = ()) -> Any:
    """Returns a path, or each of a list, with a leading ~ expanded; `inside` is its key path in mappings."""
    match value:
        case dict() if inside and inside[0] in value:
            return value | {inside[0]: with_home(value[inside[0]], inside[1:])}
        case str() if not inside:
            return expand_home(value)
        case list() if not inside:
            return [with_home(each) for each in value]
    return value


def _read(name: str, text: str, params: Mapping[str, Any], *, is_list_of_files: bool) -> Any:
    place = Place(f"-p {name[:64]}")
    if name not in params:
        raise error_of_one(f"The recipe has no param {show(name)}.", place, suggest(name, list(params)))
    default = params[name]
    if isinstance(default, str) and not text.startswith(("'", '"')):
        _require_readable(text, place)
        return text
    if is_list_of_files and not text.lstrip().startswith("["):
        _require_readable(text, place)
        return [text]
    value = _parse(name, text)
    if not same_type(value, default):
        raise RecipeError([mismatch(name, value, default, place)])
    return value


def _parse(name: str, text: str) -> Any:
    place = Place(f"-p {name[:64]}")
    _require_readable(text, place)
    source = parse(text, file=place.file)
    if source.problems:
        raise error_of(source.problems)
    return source.data


def _require_readable(text: str, place: Place) -> None:
    if len(text) > MAX_BYTES or SURROGATE.search(text):
        raise error_of_one("The value is larger than 1 MB, or not UTF-8 text.", place)


def same_type(value: Any, default: Any) -> bool:
    """Returns whether a value may replace a default: of its type, a whole number for any number, anything for null.

    Each element of a list must match some element of the default, if that has any.
    """
    match default:
        case None:
            return True
        case bool() | str() | dict():
            return isinstance(value, type(default))
        case int():
            return isinstance(value, int) and not isinstance(value, bool)
        case float():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case list():
            examples = {type(element): element for element in default}.values()
            return isinstance(value, list) and all(
                not examples or any(same_type(element, example) for example in examples) for element in value
            )
    return False


def mismatch(subject: str, value: Any, default: Any, place: Place) -> Problem:
    """Returns the problem of a value that is not of its default's type."""
    hint = None
    if isinstance(value, float) and isinstance(default, int) and not isinstance(default, bool):
        hint = f"Write {int(value)}." if value.is_integer() else f"Write the default as {default}.0 to allow fractions."
    return Problem(f"{subject} is {show(value)}; expected {type_phrase(default)}, as its default is.", place, hint)


def type_phrase(default: Any) -> str:
    """Returns the values allowed in place of a default, in words."""
    match default:
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case str():
            return "text"
        case list():
            kinds = {type(element) for element in default}
            return f"a list of {_PLURALS[kinds.pop()]}" if len(kinds) == 1 and kinds <= _PLURALS.keys() else "a list like it"
    return "a mapping"

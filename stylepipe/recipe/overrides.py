"""Other values for a recipe's params: those given on the command line (`-p name=value`), and those of a sweep."""

from collections.abc import Mapping
from typing import Any

from stylepipe.errors import Place, Problem, RecipeError
from stylepipe.recipe.model import Sweep
from stylepipe.recipe.names import Names
from stylepipe.recipe.problems import Problems, dotted, show, suggest
from stylepipe.recipe.template import Reference, following
from stylepipe.recipe.template import parse as parse_template
from stylepipe.recipe.text import MAX_BYTES, KeyPath, error_of, error_of_one, parse

_PLURALS = {int: "whole numbers", float: "numbers", str: "texts", bool: "true and false"}


def override(params: Mapping[str, Any], overrides: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    """The params with those given on the command line in place of their defaults.

    A value is one YAML scalar, flow list or flow mapping of the default's type. For a text it is taken as it stands unless it
    begins with a quote, so that file names need none.
    """
    values = dict(params)
    for name, text in overrides.items():
        try:
            values[name] = _read(name, text, params)
        except RecipeError as error:
            for problem in error.problems:
                problems.add_elsewhere(problem)
    return values


def _read(name: str, text: str, params: Mapping[str, Any]) -> Any:
    place = Place(f"-p {name[:64]}")
    if name not in params:
        raise error_of_one(f"The recipe has no param {show(name)}.", place, suggest(name, list(params)))
    if len(text) > MAX_BYTES or any("\ud800" <= character <= "\udfff" for character in text):
        raise error_of_one("The value is larger than 1 MB, or not UTF-8 text.", place)
    default = params[name]
    if isinstance(default, str) and not text.startswith(("'", '"')):
        return text
    source = parse(text, file=place.file)
    if source.problems:
        raise error_of(source.problems)
    if not same_type(source.data, default):
        raise RecipeError([_mismatch(name, source.data, default, place)])
    return source.data


def check_sweep(sweep: Sweep, names: Names, problems: Problems) -> None:
    """Reports what is wrong with a sweep: unknown params, values of another type, lists to be zipped of unequal length."""

    def check(path: KeyPath, values: Mapping[KeyPath, Any]) -> None:
        name = str(path[-1])
        if name not in names.params:
            problems.add(path, f"The recipe has no param '{name}'.", suggest(name, list(names.params)), at_key=True)
            return
        for where, value in values.items():
            if not same_type(value, names.params[name]):
                problems.add_elsewhere(_mismatch(dotted(where), value, names.params[name], problems.place(where)))

    for section, axes in (("grid", sweep.grid), ("zip", sweep.zip)):
        for name, values in axes.items():
            path = ("sweep", section, name)
            check(path, {(*path, index): value for index, value in enumerate(values)})
    for section, variants in (("include", sweep.include), ("exclude", sweep.exclude)):
        for index, variant in enumerate(variants):
            for name, value in variant.items():
                path = ("sweep", section, index, name)
                check(path, {path: value})
    lengths = {name: len(values) for name, values in sweep.zip.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {length}" for name, length in lengths.items())
        problems.add(("sweep", "zip"), f"sweep.zip holds lists of unequal length: {counts}.", at_key=True)
    path = ("sweep", "name")
    with following(path, problems):
        parts = parse_template(sweep.name or "")
        for part in [parts] if isinstance(parts, Reference) else parts:
            if isinstance(part, Reference):
                names.value(part)


def same_type(value: Any, default: Any) -> bool:
    """Whether a value may stand in a default's place: of its type, a whole number for any number, anything for null.

    Each element of a list must be so with regard to some element of the default, if that has any.
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


def _mismatch(subject: str, value: Any, default: Any, place: Place) -> Problem:
    hint = None
    if isinstance(value, float) and isinstance(default, int) and not isinstance(default, bool):
        hint = f"Write {int(value)}." if value.is_integer() else f"Write the default as {default}.0 to allow fractions."
    return Problem(f"{subject} is {show(value)}; expected {_type_phrase(default)}, as its default is.", place, hint)


def _type_phrase(default: Any) -> str:
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

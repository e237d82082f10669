"""Loads a recipe with its sweep: each variant is a recipe, and all are checked before anything runs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from stylepipe.errors import Place, Problem, RecipeError
from stylepipe.recipe.check_recipe import all_names, read_params, resolve
from stylepipe.recipe.extends import RecipeDocument, read_recipe
from stylepipe.recipe.input_files import input_params, with_whole_paths
from stylepipe.recipe.model import Random, Sweep
from stylepipe.recipe.params.axes import axes_of_variants, check_sweep, combinations, expand_sweep, name_variants
from stylepipe.recipe.params.file_patterns import Patterns
from stylepipe.recipe.params.overrides import axes_of, override, with_home
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.syntax.yaml_text import error_of
from stylepipe.recipe.templating.references import escape
from stylepipe.recipe.validation.problems import Problems

MAX_VARIANTS = 256


@dataclass(frozen=True)
class Variant:
    """A variant of a sweep: its name, valid as a file name, its values, and its recipe."""

    name: str
    values: Mapping[str, Any]
    recipe: ResolvedRecipe


@dataclass(frozen=True)
class ResolvedSweep:
    """A recipe and its variants, all of them checked.

    `axes` are the params that variants set, each with its distinct values in order. `document` is an equivalent recipe as plain
    data, with every variant written out.
    """

    base: ResolvedRecipe
    axes: Mapping[str, list[Any]]
    variants: tuple[Variant, ...]
    document: Mapping[str, Any]


def has_sweep(recipe: Path | RecipeDocument) -> bool:
    """Returns whether a recipe, or the one in a file, has a sweep. Raises RecipeError when it cannot be read."""
    document = read_recipe(recipe) if isinstance(recipe, Path) else recipe
    return bool(document.source.data.get("sweep"))


def load_sweep(
    recipe: Path | RecipeDocument, *, overrides: Mapping[str, str] | None = None, max_variants: int = MAX_VARIANTS
) -> ResolvedSweep:
    """Loads a recipe, or the one in a file, with the variants of its sweep.

    `overrides` are as in `load_recipe`; a list where the param is a single value is an axis of the grid, and replaces
    everything that the recipe's sweep has for the param. Raises RecipeError with all problems of the recipe, or else of all
    variants; also when there is no variant, or more than `max_variants`.
    """
    source, text, root = read_recipe(recipe) if isinstance(recipe, Path) else recipe
    typed = overrides or {}
    problems = Problems(source)
    model, defaults = read_params(source, problems, typed=typed)
    paths, patterns = input_params(model), Patterns()
    kinds = {str(path[0]): kind for path, kind in paths.items() if len(path) == 1 and kind != "images"}
    place = partial(with_whole_paths, kinds=paths, typed=typed, root=root)
    axes = place(_typed(axes_of(defaults, typed, problems), kinds, patterns, problems))
    single = {name: value for name, value in typed.items() if name not in axes}
    params = place(override(defaults, single, problems, paths=paths))
    written = _with_files(model.sweep or Sweep.model_validate({}), root, kinds, patterns, problems)
    check_sweep(written, all_names(source, params, problems), problems)

    def resolved(params: Mapping[str, Any], problems: Problems) -> ResolvedRecipe:
        return resolve(model, params, source=source, text=text, root=root, typed=typed, problems=problems)

    base = resolved(params, problems)
    sweep = _without(written, typed, axes)
    if (count := combinations(sweep)) > max_variants:
        hint = f"At most {max_variants} are allowed; --max-variants allows more."
        problems.add(("sweep",), f"The sweep has {count} variants.", hint, at_key=True)
        raise problems.error()
    variants = expand_sweep(sweep, params, seed=base.seed)
    if not variants:
        reason, hint = ("The recipe has no sweep.", "Give a param several values: -p size='[256, 512]'.")
        if combinations(sweep):
            reason, hint = "The sweep excludes all of its variants.", None
        problems.add(("sweep",), reason, hint, at_key=True)
        raise problems.error()
    names = name_variants(sweep, variants, params, problems)
    problems.raise_any()

    recipes: dict[str, ResolvedRecipe] = {}
    wrong: dict[Problem, None] = {}
    for name, values in zip(names, variants, strict=True):
        try:
            recipes[name] = resolved({**params, **values}, Problems(source))
        except RecipeError as error:
            for problem in error.problems:
                wrong[Problem(f"Variant '{name}': {problem.message}", problem.place, problem.hint)] = None
    if wrong:
        raise error_of(list(wrong))
    named = {} if sweep.name is None else {"name": sweep.name}
    return ResolvedSweep(
        base,
        axes_of_variants(variants, params),
        tuple(Variant(name, values, recipes[name]) for name, values in zip(names, variants, strict=True)),
        {**base.document, "sweep": {"include": escape(variants), **named}},
    )


def _with_files(sweep: Sweep, root: Path, kinds: Mapping[str, str], patterns: Patterns, problems: Problems) -> Sweep:
    """Returns the sweep with patterns replaced by matching files in the recipe's folder."""

    def listed(section: str, axes: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        return {
            name: patterns.expand(axis, kinds[name], root, partial(report, section, name), confined=True)
            if name in kinds
            else axis
            for name, axis in axes.items()
        }

    def report(section: str, name: str, number: int, message: str) -> None:
        problems.add(("sweep", section, name, number), message)

    return sweep.model_copy(update={"grid": listed("grid", sweep.grid), "zip": listed("zip", sweep.zip)})


def _typed(
    axes: Mapping[str, list[Any]], kinds: Mapping[str, str], patterns: Patterns, problems: Problems
) -> dict[str, list[Any]]:
    """Returns the axes of the command line with patterns replaced by matching files, anywhere."""

    def report(name: str, _: int, message: str) -> None:
        problems.add_elsewhere(Problem(message, Place(f"-p {name}")))

    return {
        name: patterns.expand(with_home(axis), kinds[name], Path.cwd(), partial(report, name), confined=False)
        if name in kinds
        else axis
        for name, axis in axes.items()
    }


def _without(sweep: Sweep, typed: Collection[str], axes: Mapping[str, list[Any]]) -> Sweep:
    """Returns the sweep with the axes of the command line, which replace its own values of those params."""

    def remaining(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in typed}

    ranges = remaining(sweep.random.ranges) if sweep.random else {}
    return sweep.model_copy(
        update={
            "grid": {**remaining(sweep.grid), **axes},
            "zip": remaining(sweep.zip),
            "random": Random(samples=sweep.random.samples, ranges=ranges) if sweep.random and ranges else None,
            "include": [values for variant in sweep.include if (values := remaining(variant))],
        }
    )

"""From a recipe's data to a `ResolvedRecipe`: everything is checked, and everything that is wrong is reported at once."""

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from pathlib import Path, PureWindowsPath
from typing import Any

from pydantic import RootModel

from stylepipe.errors import Place
from stylepipe.recipe.bind import Binder
from stylepipe.recipe.expand import expand
from stylepipe.recipe.input_files import files_of, input_params, param_paths, resolve_inputs, with_whole_paths
from stylepipe.recipe.model import VERSION, Recipe, Seed
from stylepipe.recipe.order import in_order
from stylepipe.recipe.params.axes import check_sweep
from stylepipe.recipe.params.overrides import override
from stylepipe.recipe.resolved import InputFile, ResolvedRecipe, StageNode
from stylepipe.recipe.syntax.recipe_files import escape_reason
from stylepipe.recipe.syntax.yaml_text import KeyPath, Source
from stylepipe.recipe.templating.references import Reference, Resolver, TemplateError, escape, following, parse
from stylepipe.recipe.templating.scope import Names, Target
from stylepipe.recipe.validation.problems import Problems, dotted, show
from stylepipe.recipe.validation.validate_model import validate

MAX_SHOWN = 8


class _Seed(RootModel[Seed]):
    """The recipe's seed, once its reference is followed."""


def check(source: Source, *, text: str, root: Path, overrides: Mapping[str, str]) -> ResolvedRecipe:
    """The recipe that `source` holds, resolved. `root` is the folder that its paths start from.

    Raises RecipeError with all problems, in the order of their places.
    """
    problems = Problems(source)
    recipe, defaults = read_params(source, problems, typed=overrides)
    paths = input_params(recipe)
    params = with_whole_paths(override(defaults, overrides, problems, paths=paths), paths, typed=overrides, root=root)
    if recipe.sweep is not None:
        check_sweep(recipe.sweep, all_names(source, params, problems), problems)
    return resolve(recipe, params, source=source, text=text, root=root, typed=overrides, problems=problems)


def read_params(source: Source, problems: Problems, *, typed: Collection[str] = ()) -> tuple[Recipe, dict[str, Any]]:
    """The recipe's model, with plain values in its sweep, and its params' defaults. Raises RecipeError as a last resort.

    A `seed` that was `typed` on the command line is a param, the recipe's seed, where it has no param of that name.
    """
    recipe = _model(source.data, problems)
    resolver = Resolver(problems)
    params = resolver.resolve(recipe.params, ("params",), _no_references)
    for name in (path[0] for path, kind in input_params(recipe).items() if kind == "images" and len(path) == 1):
        if isinstance(params.get(name), str):  # one folder or pattern is a list of one
            params[name] = [params[name]]
    if "seed" in typed and "seed" not in params and isinstance(recipe.seed, int):
        params["seed"] = recipe.seed
        recipe = recipe.model_copy(update={"seed": "$params.seed"})
    if recipe.sweep is not None:
        values = recipe.sweep.model_dump(include={"grid", "zip", "exclude", "include"})
        plain = {key: resolver.resolve(value, ("sweep", key), _no_references) for key, value in values.items()}
        recipe = recipe.model_copy(update={"sweep": recipe.sweep.model_copy(update=plain)})
    return recipe, params


def all_names(source: Source, params: Mapping[str, Any], problems: Problems) -> Names:
    """Everything that references may name, as far as known before inputs and stages are looked at."""
    return Names(params, _targets(source.data, problems), problems)


def resolve(
    recipe: Recipe,
    params: Mapping[str, Any],
    *,
    source: Source,
    text: str,
    root: Path,
    typed: Collection[str],
    problems: Problems,
) -> ResolvedRecipe:
    """The recipe with these params, of which some were `typed` on the command line.

    Raises RecipeError with all problems, those found before included.
    """
    resolver = Resolver(problems)
    names = all_names(source, params, problems)
    seed = validate(_Seed, resolver.resolve(recipe.seed, ("seed",), names.value), at=("seed",), problems=problems)
    inputs = resolve_inputs(recipe, root=root, typed=typed, names=names, resolver=resolver, problems=problems)
    names.targets.update({name: Target("input", file.kind, (name,)) for name, file in inputs.items()})
    nodes, targets = expand(recipe, names=names, resolver=resolver, problems=problems)
    names.targets.update(targets)
    binder = Binder(names, resolver, problems)
    bound = {node.name: binder.bind(node) for node in nodes}
    order, circles = in_order({name: node.needs for name, node in bound.items()})
    for circle in circles:
        _report_circle(circle, next(node.path for node in nodes if node.name == circle[0]), problems)
    outputs = _outputs(recipe, names, problems)
    if seed is None:
        raise problems.error()
    problems.raise_any()
    stages = {name: bound[name] for name in order}
    return ResolvedRecipe(
        name=recipe.name,
        description=recipe.description,
        seed=seed.root,
        params=params,
        inputs=inputs,
        stages=stages,
        outputs=outputs,
        warnings=tuple(_warnings(stages, outputs)),
        text=text,
        document=_document(recipe, params, source=source, seed=seed.root, inputs=inputs),
    )


def _document(
    recipe: Recipe, params: Mapping[str, Any], *, source: Source, seed: int, inputs: Mapping[str, InputFile]
) -> dict[str, Any]:
    """The recipe as plain data that stands for itself: all that it extends merged in, params at these values, without a sweep.

    References stay, so that its params can be changed. Paths from elsewhere are names of files.
    """
    sections = {key: value for key, value in source.data.items() if value is not None and key not in ("extends", "sweep")}
    values = deepcopy(dict(params))
    for name, path in param_paths(recipe).items():
        paths = [_inner_path(file) for file in files_of(name, recipe, inputs)]
        holder: Any = values
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = paths[0] if recipe.inputs[name].images is None else paths
    own_seed = recipe.seed if isinstance(recipe.seed, str) else seed
    return {**sections, "seed": own_seed, **({"params": escape(values)} if values else {})}


def _model(data: Mapping[str, Any], problems: Problems) -> Recipe:
    """The recipe's model; of a recipe with problems, which are reported, the sound parts, for the sake of further problems."""
    data = {key: value for key, value in data.items() if value is not None}  # "params:" with nothing behind it
    recipe = validate(Recipe, data, at=(), problems=problems)
    if recipe is None:
        sound = {key: _sound(key, value, problems) for key, value in data.items() if not problems.is_broken((key,))}
        recipe = validate(Recipe, {"stylepipe": VERSION, "name": "unnamed", "stages": {}, **sound}, at=(), problems=problems)
    if recipe is None:
        raise problems.error()
    return recipe


def _sound(key: str, value: Any, problems: Problems) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if not problems.holds_broken((key, name))}


def _no_references(reference: Reference) -> Any:
    raise TemplateError(f"{reference} is a reference, and params hold plain values", "Write $$ for a dollar sign.")


def _targets(data: Mapping[str, Any], problems: Problems) -> dict[str, Target]:
    """What the names of inputs and stages stand for, as far as known before they are looked at."""
    targets: dict[str, Target] = {}
    for section, what in (("inputs", "input"), ("stages", "stage")):
        for name in data[section] if isinstance(data.get(section), dict) else ():
            if name in targets:
                problems.add((section, name), f"'{name}' is the name of an input already.", at_key=True)
            targets[name] = Target(what)
    return targets


def _report_circle(circle: list[str], path: KeyPath, problems: Problems) -> None:
    if len(circle) > 1:
        shown = [*circle, circle[0]] if len(circle) <= MAX_SHOWN else [*circle[:MAX_SHOWN], "…"]
        problems.add(path, f"Stages need each other in a circle: {' needs '.join(shown)}.", at_key=True)
    else:
        hint = "$previous is the stage of the item before." if "@" in circle[0] else None
        problems.add(path, f"The stage {circle[0]} needs itself.", hint, at_key=True)


def _outputs(recipe: Recipe, names: Names, problems: Problems) -> dict[str, str]:
    """The nodes that are the recipe's results, by name; a single `output` is named as its stage."""
    if recipe.output is not None and recipe.outputs is not None:
        problems.add(("outputs",), "output and outputs exclude each other.", "Leave one of them out.", at_key=True)
    tried = problems.holds_broken(("output",)) or problems.holds_broken(("outputs",))
    if recipe.output is None and not recipe.outputs and not tried:
        hint = f"Write 'output: ${list(recipe.stages)[-1]}'." if recipe.stages else None
        problems.add(("output",), "The recipe has no output.", hint, at_key=True)
    written = {("output",): recipe.output} if recipe.output is not None else {}
    written |= {("outputs", name): reference for name, reference in (recipe.outputs or {}).items()}
    outputs = {}
    for path, reference in written.items():
        if node := _output(reference, path, names, problems):
            outputs[path[1] if len(path) > 1 else node.partition("@")[0]] = node
    return outputs


def _output(text: str, path: KeyPath, names: Names, problems: Problems) -> str | None:
    with following(path, problems):
        reference = parse(text)
        if not isinstance(reference, Reference):
            hint = f"Write ${text}." if text in names.targets else None
            problems.add(path, f"{dotted(path)} is {show(text)}; expected a stage, as in $stylized.", hint)
            return None
        node, target = names.node(reference)
        if target.what == "input":
            problems.add(path, f"{dotted(path)} is {reference}, an input; expected a stage.")
        return node
    return None


def _inner_path(file: InputFile) -> str:
    """An input's reference as it may stand in a recipe: of a path from elsewhere, only the file's name."""
    if escape_reason(file.reference) is None:
        return file.reference
    name = PureWindowsPath(file.reference).name  # which knows both separators
    return name if escape_reason(name) is None else file.name


def _warnings(stages: Mapping[str, StageNode], outputs: Mapping[str, str]) -> Iterator[str]:
    """What does not run: the stages that no output needs."""
    needed: set[str] = set()
    waiting = list(outputs.values())
    while waiting:
        name = waiting.pop()
        if name in stages and name not in needed:
            needed.add(name)
            waiting.extend(stages[name].needs)
    idle: dict[Place, list[str]] = {}
    for name, node in stages.items():
        if name not in needed:
            idle.setdefault(node.place, []).append(name)
    for place, nodes in idle.items():
        yield f"{place}: no output needs {', '.join(nodes)}; {'it does' if len(nodes) == 1 else 'they do'} not run."

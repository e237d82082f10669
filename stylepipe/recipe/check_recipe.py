"""Checks a recipe's data and turns it into a `ResolvedRecipe`; all problems are reported at once."""

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from pathlib import Path, PureWindowsPath
from typing import Any

from pydantic import RootModel

from stylepipe.errors import Place
from stylepipe.recipe.bind import Binder
from stylepipe.recipe.expand import expand
from stylepipe.recipe.input_files import files_of, input_params, param_paths, resolve_inputs, with_whole_paths
from stylepipe.recipe.model import VERSION, RecipeModel, Seed
from stylepipe.recipe.order import in_order
from stylepipe.recipe.params.axes import check_sweep
from stylepipe.recipe.params.overrides import override
from stylepipe.recipe.resolved import InputFile, ResolvedRecipe, StageNode
from stylepipe.recipe.syntax.recipe_files import escape_reason
from stylepipe.recipe.syntax.yaml_text import KeyPath, Source
from stylepipe.recipe.templating.references import Reference, Resolver, TemplateError, escape, following, parse
from stylepipe.recipe.templating.scope import Names, ReferenceTarget
from stylepipe.recipe.validation.problems import Problems, dotted, show
from stylepipe.recipe.validation.validate_model import validate

MAX_SHOWN = 8


class _Seed(RootModel[Seed]):
    """The recipe's seed, with its reference resolved."""


def check(source: Source, *, text: str, root: Path, overrides: Mapping[str, str]) -> ResolvedRecipe:
    """Returns the resolved recipe of `source`. `root` is the folder that its paths are relative to.

    Raises RecipeError with all problems, in the order of their places.
    """
    problems = Problems(source)
    recipe, defaults = read_params(source, problems, typed=overrides)
    paths = input_params(recipe)
    params = with_whole_paths(override(defaults, overrides, problems, paths=paths), paths, typed=overrides, root=root)
    if recipe.sweep is not None:
        check_sweep(recipe.sweep, all_names(source, params, problems), problems)
    return resolve(recipe, params, source=source, text=text, root=root, typed=overrides, problems=problems)


def read_params(source: Source, problems: Problems, *, typed: Collection[str] = ()) -> tuple[RecipeModel, dict[str, Any]]:
    """Returns the recipe's model, with references in its sweep resolved, and its params' defaults. May raise RecipeError.

    A `seed` that was `typed` on the command line overrides the recipe's seed, unless the recipe has a param of that name.
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
    """Returns the names that references may use, before inputs and stages are checked."""
    return Names(params, _targets(source.data, problems), problems)


def resolve(
    recipe: RecipeModel,
    params: Mapping[str, Any],
    *,
    source: Source,
    text: str,
    root: Path,
    typed: Collection[str],
    problems: Problems,
) -> ResolvedRecipe:
    """Returns the recipe resolved with these params, some of them `typed` on the command line.

    Raises RecipeError with all problems, including earlier ones.
    """
    resolver = Resolver(problems)
    names = all_names(source, params, problems)
    seed = validate(_Seed, resolver.resolve(recipe.seed, ("seed",), names.value), at=("seed",), problems=problems)
    inputs = resolve_inputs(recipe, root=root, typed=typed, names=names, resolver=resolver, problems=problems)
    names.targets.update({name: ReferenceTarget("input", file.kind, (name,)) for name, file in inputs.items()})
    nodes, targets = expand(recipe, names=names, resolver=resolver, problems=problems)
    names.targets.update(targets)
    binder = Binder(names, resolver, problems)
    bound = {node.name: binder.bind(node) for node in nodes}
    order, cycles = in_order({name: node.needs for name, node in bound.items()})
    for cycle in cycles:
        _report_cycle(cycle, next(node.path for node in nodes if node.name == cycle[0]), problems)
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
    recipe: RecipeModel, params: Mapping[str, Any], *, source: Source, seed: int, inputs: Mapping[str, InputFile]
) -> dict[str, Any]:
    """Returns the recipe as self-contained data: extended recipes merged in, params at these values, no sweep.

    References are kept, so that its params can be changed. Paths outside the folder are shortened to file names.
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


def _model(data: Mapping[str, Any], problems: Problems) -> RecipeModel:
    """Returns the recipe's model; for a recipe with problems, that of its valid parts, to find further problems."""
    data = {key: value for key, value in data.items() if value is not None}  # "params:" with nothing behind it
    recipe = validate(RecipeModel, data, at=(), problems=problems)
    if recipe is None:
        sound = {key: _sound(key, value, problems) for key, value in data.items() if not problems.is_broken((key,))}
        recipe = validate(
            RecipeModel, {"stylepipe": VERSION, "name": "unnamed", "stages": {}, **sound}, at=(), problems=problems
        )
    if recipe is None:
        raise problems.error()
    return recipe


def _sound(key: str, value: Any, problems: Problems) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if not problems.holds_broken((key, name))}


def _no_references(reference: Reference) -> Any:
    raise TemplateError(f"{reference} is a reference, and params hold plain values", "Write $$ for a dollar sign.")


def _targets(data: Mapping[str, Any], problems: Problems) -> dict[str, ReferenceTarget]:
    """Returns the targets of the names of inputs and stages, before these are checked."""
    targets: dict[str, ReferenceTarget] = {}
    for section, role in (("inputs", "input"), ("stages", "stage")):
        for name in data[section] if isinstance(data.get(section), dict) else ():
            if name in targets:
                problems.add((section, name), f"'{name}' is the name of an input already.", at_key=True)
            targets[name] = ReferenceTarget(role)
    return targets


def _report_cycle(cycle: list[str], path: KeyPath, problems: Problems) -> None:
    if len(cycle) > 1:
        shown = [*cycle, cycle[0]] if len(cycle) <= MAX_SHOWN else [*cycle[:MAX_SHOWN], "…"]
        problems.add(path, f"Stages need each other in a cycle: {' needs '.join(shown)}.", at_key=True)
    else:
        hint = "$previous is the stage of the item before." if "@" in cycle[0] else None
        problems.add(path, f"The stage {cycle[0]} needs itself.", hint, at_key=True)


def _outputs(recipe: RecipeModel, names: Names, problems: Problems) -> dict[str, str]:
    """Returns the nodes of the recipe's outputs by name; a single `output` has its stage's name."""
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
        if target.role == "input":
            problems.add(path, f"{dotted(path)} is {reference}, an input; expected a stage.")
        return node
    return None


def _inner_path(file: InputFile) -> str:
    """Returns an input's reference as a recipe may contain it: the file's name for a path outside the folder."""
    if escape_reason(file.reference) is None:
        return file.reference
    name = PureWindowsPath(file.reference).name  # which knows both separators
    return name if escape_reason(name) is None else file.name


def _warnings(stages: Mapping[str, StageNode], outputs: Mapping[str, str]) -> Iterator[str]:
    """Yields warnings about stages that no output needs."""
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

"""Selection of stages: those that the outputs need, narrowed by `--from`, `--until` and `--force`."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from stylepipe.errors import UsageError, did_you_mean
from stylepipe.recipe.resolved import ResolvedRecipe


@dataclass(frozen=True)
class Selection:
    """The part of a recipe that a run covers, in the recipe's order.

    `stages` are all that the goal needs; `runs` are those that may run, the others must be cached.
    """

    inputs: tuple[str, ...]
    stages: tuple[str, ...]
    runs: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs, then stages: a run's pictures are numbered by this order, from 1."""
        return self.inputs + self.stages


def select(recipe: ResolvedRecipe, *, start: str | None = None, until: str | None = None) -> Selection:
    """Selects what the recipe's outputs, or `until`, need; with `start`, everything before it must be cached.

    Raises UsageError when either is not a stage, or when the goal does not depend on `start`.
    """
    goal = stages_named(recipe, until) if until else recipe.outputs.values()
    needed = ancestors(recipe, goal)
    runs = frozenset(recipe.stages) if start is None else descendants(recipe, stages_named(recipe, start))
    stages = tuple(name for name in recipe.stages if name in needed)
    if not runs.intersection(stages):
        goal_name = f"'{until}'" if until else "the outputs"
        raise UsageError(f"'{start}' does not contribute to {goal_name}.", hint=f"Stages that do: {', '.join(stages)}.")
    return Selection(tuple(name for name in recipe.inputs if name in needed), stages, runs.intersection(stages))


def stages_named(recipe: ResolvedRecipe, name: str) -> tuple[str, ...]:
    """Returns the stage of that name, or all items of a `foreach` of that name. Raises UsageError when there is none."""
    nodes = tuple(node for node in recipe.stages if name in (node, node.partition("@")[0]))
    if not nodes:
        raise UsageError(f"The recipe has no stage '{name}'.", hint=did_you_mean(name, list(recipe.stages)))
    return nodes


def ancestors(recipe: ResolvedRecipe, names: Iterable[str]) -> frozenset[str]:
    """Returns the named stages and inputs, and all that they are computed from."""
    visited: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in visited:
            visited.add(name)
            waiting.extend(recipe.stages[name].needs if name in recipe.stages else ())
    return frozenset(visited)


def descendants(recipe: ResolvedRecipe, names: Collection[str]) -> frozenset[str]:
    """Returns the named stages, and all that are computed from them."""
    reached = set(names)
    for name, node in recipe.stages.items():  # in topological order
        if reached.intersection(node.needs):
            reached.add(name)
    return frozenset(reached)

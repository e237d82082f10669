"""Which stages a run consists of: what its outputs need, and what `--from`, `--until` and `--force` select of that."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from stylepipe.errors import UsageError, did_you_mean
from stylepipe.recipe.resolved import ResolvedRecipe


@dataclass(frozen=True)
class Selection:
    """The part of a recipe that a run is about, in the recipe's order.

    `stages` are all that the goal needs; `runs` are those of them that may run, the others must be in the cache already.
    """

    inputs: tuple[str, ...]
    stages: tuple[str, ...]
    runs: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs, then stages: a run's pictures are numbered by this order, from 1."""
        return self.inputs + self.stages


def select(recipe: ResolvedRecipe, *, start: str | None = None, until: str | None = None) -> Selection:
    """What is needed for the recipe's outputs, or for `until`; from `start` on only, taking all before it from the cache.

    Raises UsageError when either names no stage, or when `start` has no part in the goal.
    """
    goal = stages_named(recipe, until) if until else recipe.outputs.values()
    needed = ancestors(recipe, goal)
    runs = frozenset(recipe.stages) if start is None else descendants(recipe, stages_named(recipe, start))
    stages = tuple(name for name in recipe.stages if name in needed)
    if not runs.intersection(stages):
        goal_name = f"'{until}'" if until else "the outputs"
        raise UsageError(f"'{start}' has no part in {goal_name}.", hint=f"Stages that have: {', '.join(stages)}.")
    return Selection(tuple(name for name in recipe.inputs if name in needed), stages, runs.intersection(stages))


def stages_named(recipe: ResolvedRecipe, name: str) -> tuple[str, ...]:
    """The stage of that name, or all items of a `foreach` of that name. Raises UsageError when there is none."""
    found = tuple(node for node in recipe.stages if name in (node, node.partition("@")[0]))
    if not found:
        raise UsageError(f"The recipe has no stage '{name}'.", hint=did_you_mean(name, list(recipe.stages)))
    return found


def ancestors(recipe: ResolvedRecipe, names: Iterable[str]) -> frozenset[str]:
    """The stages and inputs that the named ones are computed from, and the named ones themselves."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(recipe.stages[name].needs if name in recipe.stages else ())
    return frozenset(found)


def descendants(recipe: ResolvedRecipe, names: Collection[str]) -> frozenset[str]:
    """The stages that are computed from the named ones, and the named ones themselves."""
    found = set(names)
    for name, node in recipe.stages.items():  # in an order in which each follows all that it needs
        if found.intersection(node.needs):
            found.add(name)
    return frozenset(found)

"""How much a recipe asks for, and how much of that is given to a stranger's before the user has agreed."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from stylepipe.errors import UsageError
from stylepipe.recipe.resolved import ResolvedRecipe, StageNode

MAX_STAGES = 100
MAX_ITERATIONS = 20_000
MAX_PIXELS = 100_000_000


@dataclass(frozen=True)
class Demands:
    """What a recipe asks for: stages, iterations of all stages together, and pixels of its largest picture.

    They are read off the parameters, by the names that they have in the stages of stylepipe: `iterations` and `steps`; `size`,
    `long_side`, `short_side`, `width`, `height` and `megapixels`, taken for squares; and every `factor`, as if they followed
    each other from the largest of these sizes, or from one million pixels.
    """

    stages: int
    iterations: int
    pixels: int

    def __str__(self) -> str:
        return f"{self.stages} stages, {self.iterations} iterations, pictures of up to {self.pixels / 1e6:.1f} million pixels"


def demands(recipe: ResolvedRecipe) -> Demands:
    """What a recipe asks for."""
    stages = [node.params.model_dump() for node in recipe.stages.values()]
    sides = [side for params in stages for side in _numbers(params, "size", "long_side", "short_side", "width", "height")]
    sizes = [1e6, *(side**2 for side in sides), *(1e6 * size for params in stages for size in _numbers(params, "megapixels"))]
    factors = [factor**2 for params in stages for factor in _numbers(params, "factor")]
    iterations = sum(map(_iterations, recipe.stages.values()))
    return Demands(len(stages), iterations, round(max(sizes) * prod(factors)))


def check_demands(recipe: ResolvedRecipe) -> None:
    """Raises UsageError for a recipe that asks for more than a stranger's is given."""
    asked = demands(recipe)
    if asked.stages > MAX_STAGES or asked.iterations > MAX_ITERATIONS or asked.pixels > MAX_PIXELS:
        most = Demands(MAX_STAGES, MAX_ITERATIONS, MAX_PIXELS)
        raise UsageError(
            f"It asks for {asked}; what others have made is given at most {most}.",
            hint="--no-limits gives it what it asks for.",
        )


def _iterations(node: StageNode) -> int:
    """Those of a stage; a single number is done at each of its sizes."""
    params = node.params.model_dump()
    sizes = params.get("size")
    counts = list(_numbers(params, "iterations", "steps"))
    return sum(map(int, counts)) * (len(sizes) if isinstance(sizes, list | tuple) and len(counts) == 1 else 1)


def _numbers(value: Any, *names: str, named: bool = False) -> Iterator[float]:
    """All numbers in plain data that stand under one of the names."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from _numbers(inner, *names, named=name in names)
        case list() | tuple():
            for inner in value:
                yield from _numbers(inner, *names, named=named)
        case int() | float() if named and not isinstance(value, bool):
            yield value

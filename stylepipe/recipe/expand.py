"""Expands the stages of a recipe to the nodes of its graph: one per stage, or one per item of its `foreach`."""

import re
from dataclasses import dataclass
from typing import Any

from stylepipe.plugins import find_stage
from stylepipe.recipe.model import LABEL, RecipeModel, StageBlock
from stylepipe.recipe.syntax.yaml_text import KeyPath
from stylepipe.recipe.templating.references import Resolver
from stylepipe.recipe.templating.scope import Names, ReferenceTarget, item_label
from stylepipe.recipe.validation.problems import Problems, dotted, show
from stylepipe.stage import Stage, StageContractError

MAX_NODES = 1000


@dataclass(frozen=True)
class Node:
    """A node with unresolved references: its stage in the recipe, and its position in that stage's `foreach`.

    `item` holds the item, and is empty without `foreach`; `previous` is the node of the item before. An `item` that is None
    means that `foreach` has problems: the node only serves to find the stage's other problems.
    """

    name: str
    path: KeyPath
    block: StageBlock
    stage: Stage
    item: tuple[Any, ...] | None = ()
    previous: str | None = None


def expand(
    recipe: RecipeModel,
    *,
    names: Names,
    resolver: Resolver,
    problems: Problems,
) -> tuple[list[Node], dict[str, ReferenceTarget]]:
    """Returns the nodes of all stages in the recipe's order, and the targets of the valid ones' names.

    Problems are reported. Raises RecipeError when there are more than `MAX_NODES`.
    """
    nodes: dict[str, Node] = {}
    targets: dict[str, ReferenceTarget] = {}
    for name, block in recipe.stages.items():
        path = ("stages", name)
        stage = _find(block.use, path, problems)
        places = _places(name, block, path, names=names, resolver=resolver, problems=problems)
        for node, (item, previous) in places.items():
            if node in nodes:
                problems.add(path, f"{dotted(path)} makes the stage {node}, which exists already.", at_key=True)
            if stage:
                nodes[node] = Node(node, path, block, stage, item, previous)
        if stage and not problems.holds_broken((*path, "foreach")):
            targets[name] = ReferenceTarget("stage", stage.output, tuple(places), loops=block.foreach is not None)
        if len(nodes) > MAX_NODES:
            problems.add(path, f"With all items of foreach, the recipe has more than {MAX_NODES} stages.", at_key=True)
            problems.raise_any()
    return list(nodes.values()), targets


def _find(use: str, path: KeyPath, problems: Problems) -> Stage | None:
    try:
        return find_stage(use)
    except StageContractError as error:
        problems.add((*path, "use"), error.message, error.hint)
        return None


def _places(
    name: str, block: StageBlock, path: KeyPath, *, names: Names, resolver: Resolver, problems: Problems
) -> dict[str, tuple[tuple[Any, ...] | None, str | None]]:
    """Returns the names of a stage's nodes, each with its item and the previous node."""
    if block.foreach is None:
        return {name: ((), None)}
    path = (*path, "foreach")
    if "@" in name:
        problems.add(path, f"{dotted(path)} cannot be here: the name of the stage holds an item already.", at_key=True)
    items = resolver.resolve(block.foreach, path, names.value)
    if not isinstance(items, list) or not items:
        expected = "a list with at least one item, or a reference to one such as $params.sizes"
        problems.add(path, f"{dotted(path)} is {show(items)}{problems.origin(path)}; expected {expected}.")
        return {name: (None, None)}
    nodes = [f"{name}@{label}" for label in _labels(items, path, problems)]
    if problems.holds_broken(path):
        return {name: (None, None)}
    return {node: ((item,), previous) for node, item, previous in zip(nodes, items, [None, *nodes], strict=False)}


def _labels(items: list[Any], path: KeyPath, problems: Problems) -> list[str]:
    """Returns the items' labels: scalars are their own, lists and mappings have their index."""
    if any(isinstance(item, list | dict) for item in items):
        return [str(index) for index in range(len(items))]
    labels: dict[str, None] = {}
    for index, item in enumerate(items):
        label = item_label(item)
        where = (*path, index)
        if not re.fullmatch(LABEL, label):
            allowed = "at most 64 letters, digits, '_', '.', '+' and '-'"
            problems.add(where, f"{dotted(where)} is {show(item)}; a stage is named after it, so expected {allowed}.")
        elif label in labels:
            problems.add(where, f"{dotted(where)} is {show(item)}, which is in the list already.")
        labels[label] = None
    return list(labels)

"""Binds a node's block to its stage's contract: inputs to names in the graph, the rest to parameters."""

from dataclasses import dataclass
from typing import Any

from stylepipe.errors import StageError
from stylepipe.recipe.expand import Node
from stylepipe.recipe.resolved import StageNode
from stylepipe.recipe.syntax.yaml_text import KeyPath
from stylepipe.recipe.templating.references import Reference, Resolver, TemplateError, Unknown, following, parse
from stylepipe.recipe.templating.scope import Names
from stylepipe.recipe.validation.problems import Problems, dotted, show
from stylepipe.recipe.validation.validate_model import validate
from stylepipe.stage import Input, Params

MAX_POSSIBLE = 5

PLURALS = {"image": "images", "mask": "masks", "weights": "weights", "folder": "folders"}
ARTICLES = {"image": "an image", "mask": "a mask", "weights": "weights", "folder": "a folder"}


@dataclass(frozen=True)
class _Slot:
    """An input of a node, or one entry of an input that is a list."""

    node: Node
    path: KeyPath
    input: Input

    @property
    def expected(self) -> str:
        return f"a list of {PLURALS[self.input.kind]}" if self.input.many else ARTICLES[self.input.kind]


class Binder:
    """Binds nodes one by one, and reports their problems."""

    def __init__(self, names: Names, resolver: Resolver, problems: Problems) -> None:
        self._names = names
        self._resolver = resolver
        self._problems = problems

    def bind(self, node: Node) -> StageNode:
        """Returns the node with its inputs bound and its parameters checked.

        A node with problems, which are reported, only serves to check the others.
        """
        stage, path = node.stage, node.path
        block = node.block.model_extra or {}
        inputs: dict[str, str | tuple[str, ...]] = {}
        for name, input_ in stage.inputs.items():
            bound = self._bind_input(block.get(name), _Slot(node, (*path, name), input_))
            if bound is not None:
                inputs[name] = bound
        fields = {field.alias or name for name, field in stage.params.model_fields.items()}
        values = {
            key: self._resolver.resolve(value, (*path, key), lambda reference: self._names.value(reference, node.item))
            if key in fields
            else None
            for key, value in block.items()
            if key not in stage.inputs
        }
        params = validate(stage.params, values, at=path, problems=self._problems, beside=[*stage.inputs, "foreach"])
        place = self._problems.place(path, at_key=True)
        if params is not None and not self._problems.holds_broken(path):
            try:
                stage.check_counts(inputs, params)
            except StageError as error:
                self._problems.add(path, f"{dotted(path)}: {error.message}", error.hint, at_key=True)
        return StageNode(node.name, stage, params or Params(), inputs, place)

    def _bind_input(self, value: Any, slot: _Slot) -> str | tuple[str, ...] | None:
        """Returns the name or names that an input is bound to; None when it is omitted or has problems."""
        self._resolver.spend(value, slot.path)
        if value is None and slot.input.optional:
            return None
        if not slot.input.many:
            return self._bind_one(value, slot)
        if isinstance(value, str) and (nodes := self._list_of(value, slot.input.kind)) is not None:
            return nodes
        if not isinstance(value, list):
            self._unexpected(value, slot)
            return None
        bound: list[str] = []
        for index, inner in enumerate(value):
            nodes = self._list_of(inner, slot.input.kind)
            one = None if nodes else self._bind_one(inner, _Slot(slot.node, (*slot.path, index), Input(slot.input.kind)))
            bound += nodes or ([one] if one else [])
        return tuple(bound)

    def _list_of(self, value: Any, kind: str) -> tuple[str, ...] | None:
        """Returns the nodes of a list of this kind that a text refers to; None for anything else."""
        target = self._names.targets.get(value.removeprefix("$")) if isinstance(value, str) and value.startswith("$") else None
        return target.nodes if target and target.is_list and target.kind == kind else None

    def _bind_one(self, value: Any, slot: _Slot) -> str | None:
        with following(slot.path, self._problems):
            reference = parse(value) if isinstance(value, str) else None
            if not isinstance(reference, Reference):
                self._unexpected(value, slot)
                return None
            name, kind = self._follow(reference, slot.node)
            is_list = self._names.targets[reference.name].is_list if reference.name in self._names.targets else False
            description = f"a list of {PLURALS[kind]}" if is_list else ARTICLES[kind] if name else "null for the first item"
            if is_list or kind != slot.input.kind or (name is None and not slot.input.optional):
                message = f"{dotted(slot.path)} is {reference}, {description}; expected {slot.expected}."
                self._problems.add(slot.path, message, self._possible(slot))
            return name
        return None

    def _follow(self, reference: Reference, node: Node) -> tuple[str | None, str]:
        """Returns a reference's node and its kind; no node for $previous at the first item. Raises TemplateError."""
        if reference.name != "previous":
            name, target = self._names.node(reference)
            return name, target.kind
        if node.item is None:
            raise Unknown
        if not node.item:
            raise TemplateError("$previous has a meaning only in a stage with foreach")
        if reference != Reference("previous"):
            raise TemplateError(f"{reference} cannot be followed", "Write $previous.")
        return node.previous, node.stage.output

    def _unexpected(self, value: Any, slot: _Slot) -> None:
        absent = slot.path[:-1] == slot.node.path and slot.path[-1] not in (slot.node.block.model_extra or {})
        received = "missing" if absent else show(value)
        hint = self._meant(value, slot) or self._possible(slot)
        self._problems.add(slot.path, f"{dotted(slot.path)} is {received}; expected {slot.expected}.", hint, at_key=absent)

    def _meant(self, value: Any, slot: _Slot) -> str | None:
        """Returns a hint for a name without '$', or with missing or extra brackets."""
        name = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(name, str) or name.removeprefix("$") not in self._names.targets:
            return None
        reference = f"${name.removeprefix('$')}"
        return f"Write {f'[{reference}]' if slot.input.many else reference}."

    def _possible(self, slot: _Slot) -> str | None:
        """Returns a hint with the first names that the input could be bound to."""
        kind, own = slot.input.kind, slot.node.path[-1]
        fitting = [f"${name}" for name, target in self._names.targets.items() if target.kind == kind and name != own]
        return f"Possible: {', '.join(fitting[:MAX_POSSIBLE])}." if fitting else f"The recipe has no {PLURALS[kind]} for it."

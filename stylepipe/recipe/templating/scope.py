"""The scope of references: params and items are values, inputs and stages are nodes of the graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stylepipe.recipe.syntax.yaml_text import is_text, scalar
from stylepipe.recipe.templating.references import Reference, TemplateError, Unknown, inside
from stylepipe.recipe.validation.problems import Problems, show, suggest


@dataclass(frozen=True)
class ReferenceTarget:
    """The target of a name in the graph: an input, or a stage with its nodes (several where it has `foreach`).

    `kind` is image, mask, weights or folder; a list of images has a node for each. A target that is not checked yet, or is
    invalid, has no nodes.
    """

    role: str
    kind: str = ""
    nodes: tuple[str, ...] = ()
    loops: bool = False
    is_list: bool = False


@dataclass(frozen=True)
class Names:
    """The names that references may use: `targets` are added as they are checked, `problems` has the invalid params."""

    params: Mapping[str, Any]
    targets: dict[str, ReferenceTarget]
    problems: Problems

    def value(self, reference: Reference, item: tuple[Any, ...] | None = ()) -> Any:
        """Returns the value of a reference. Raises TemplateError when it has none.

        `item` holds the item inside a `foreach`; it is None where the items have problems.
        """
        match reference:
            case Reference("params", (name, *_), None):
                path = ("params", *reference.inner)
                if self.problems.is_broken(path) or self.problems.holds_broken(path):
                    raise Unknown
                if name not in self.params:
                    raise TemplateError(f"there is no $params.{name}", suggest(name, list(self.params)))
                return inside(self.params, reference)
            case Reference("params"):
                raise TemplateError("$params is all params", "Write $params.name for one of them.")
            case Reference("item", _, None) if item:
                return inside(item[0], reference)
            case Reference("item", _, None) if item is None:
                raise Unknown
            case Reference("item"):
                raise TemplateError("$item has a meaning only in a stage with foreach")
            case Reference("previous"):
                raise TemplateError("$previous names a stage, and cannot be a value")
            case Reference(name) if name in self.targets:
                article = "an" if self.targets[name].role == "input" else "a"
                raise TemplateError(f"{reference} names {article} {self.targets[name].role}, and cannot be a value")
        if reference.name in self.params:
            raise TemplateError(f"there is no {reference}", f"Did you mean '$params.{reference.name}'?")
        raise TemplateError(f"there is no {reference}", suggest(reference.name, [f"params.{name}" for name in self.params]))

    def node(self, reference: Reference) -> tuple[str, ReferenceTarget]:
        """Returns the node or input of a reference; without an item, the last of a `foreach`. Raises TemplateError."""
        if reference.name in ("params", "item"):
            raise TemplateError(f"{reference} is a value, not an input or a stage")
        exact = str(reference).removeprefix("$")
        target = self.targets.get(exact) or self.targets.get(reference.name)
        if target is None:
            raise TemplateError(f"there is no input or stage {reference}", suggest(exact, list(self.targets)))
        if reference.inner:
            raise TemplateError(f"${reference.name} is a picture or network and has no '{reference.inner[0]}'")
        if not target.nodes:
            raise Unknown
        if exact in self.targets or reference.item is None:
            return target.nodes[-1], target
        if not target.loops:
            raise TemplateError(f"there is no {reference}: {reference.name} has no foreach")
        labels = [node.partition("@")[2] for node in target.nodes]
        label = reference.item if reference.item in labels else _normal(reference.item)
        if label not in labels:
            raise TemplateError(f"there is no {reference}", suggest(reference.item, labels))
        return f"{reference.name}@{label}", target


def item_label(item: Any) -> str:
    """Returns the part after the '@' in the name of a scalar item's stage."""
    return item if isinstance(item, str) else show(item)


def _normal(label: str) -> str:
    """Returns a label as `item_label` formats its value in YAML: 1e-5 as 1e-05."""
    return label if is_text(label) else item_label(scalar(label))

"""The resolved recipe: the interface between the recipe language and the engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from stylepipe.errors import Place
from stylepipe.stage import Params, Stage

T = TypeVar("T")

FileKind = Literal["image", "mask", "weights", "folder"]
"""The kind of artifact that an input is read as."""

WEIGHTS_ENDINGS = (".safetensors", ".h5", ".npz")
"""Of the files that weights are read from."""

PICTURE_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff"),
    *(".gif", ".bmp", ".avif", ".heic", ".heif"),
)
"""Of the files that pictures are looked for in; `stylepipe.image.files.io` says which of them are read."""


def is_weights_name(reference: str) -> bool:
    """Returns whether a text is the name of cataloged weights, not the path of a file."""
    return "/" not in reference and not reference.endswith(WEIGHTS_ENDINGS)


@dataclass(frozen=True)
class InputFile:
    """An entry of `inputs:`: its `kind` (image, mask, weights, folder), and the path or the weights' name that it refers to.

    `reference` is what the recipe says. `root` is the folder that a relative reference starts from: the recipe's own, in which
    the file must be `confined`, or the current one when the reference was given on the command line and may lead anywhere.
    `param` is the one whose value the reference is, if it is one's. `channel` and `invert` say how a picture is read as a mask:
    by which channel, None for the one that varies, and whether black is inside.
    """

    name: str
    kind: FileKind
    reference: str
    root: Path
    place: Place
    confined: bool = True
    param: str | None = None
    channel: str | None = None
    invert: bool = False

    @property
    def is_name(self) -> bool:
        """Whether it is the name of cataloged weights, not the path of a file."""
        return self.kind == "weights" and is_weights_name(self.reference)

    @property
    def mask_options(self) -> dict[str, Any]:
        """The options for reading a mask, as a recipe writes them, without defaults."""
        return ({"channel": self.channel} if self.channel else {}) | ({"invert": True} if self.invert else {})

    @property
    def is_picture(self) -> bool:
        """Whether it is an image or a mask."""
        return self.kind in ("image", "mask")


@dataclass(frozen=True)
class StageNode:
    """One stage of the graph, its parameters checked, each argument bound to the names of inputs or of other nodes.

    `name` is the recipe's, with `@item` behind it for one of a `foreach`. An optional argument that was not given is not in
    `inputs`; a list argument is bound to a tuple.
    """

    name: str
    stage: Stage
    params: Params
    inputs: Mapping[str, str | tuple[str, ...]]
    place: Place

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of all inputs and nodes that this one is computed from, in the order of its arguments."""
        bound = self.inputs.values()
        return tuple(name for names in bound for name in ((names,) if isinstance(names, str) else names))

    def bind(self, value: Callable[[str], T]) -> dict[str, T | tuple[T, ...]]:
        """By argument, the `value` of the name that it is bound to; of a list argument, those of all its names."""
        return {
            argument: value(names) if isinstance(names, str) else tuple(map(value, names))
            for argument, names in self.inputs.items()
        }


@dataclass(frozen=True)
class ResolvedRecipe:
    """A recipe with every template resolved and every value checked.

    `stages` come in an order in which each follows all that it needs, and hold the unneeded ones too; `outputs` maps output
    names to nodes. `text` is the file as given; `document` is the recipe as plain data, a recipe itself: what it extends is
    merged in, its params have the values of this one, and its references are kept.
    """

    name: str
    description: str
    seed: int
    params: Mapping[str, Any]
    inputs: Mapping[str, InputFile]
    stages: Mapping[str, StageNode]
    outputs: Mapping[str, str]
    warnings: tuple[str, ...]
    text: str
    document: Mapping[str, Any]

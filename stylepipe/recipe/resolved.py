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
"""Extensions of weights files."""

PICTURE_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff"),
    *(".gif", ".bmp", ".avif", ".heic", ".heif"),
)
"""Extensions of pictures to look for; `stylepipe.image.files.io` decides which of them can be read."""


ENDINGS = {"image": PICTURE_ENDINGS, "mask": PICTURE_ENDINGS, "weights": WEIGHTS_ENDINGS}
"""Extensions of input files by kind."""


def is_weights_name(reference: str) -> bool:
    """Returns whether a text is the name of cataloged weights, not the path of a file."""
    return "/" not in reference and not reference.endswith(WEIGHTS_ENDINGS)


@dataclass(frozen=True)
class InputFile:
    """An entry of `inputs:`: its `kind`, and the path or the name of weights that it refers to.

    `reference` is the path or name as written. `root` is the folder that a relative path starts from: the recipe's folder, in
    which the file must be `confined`, or the current folder for a path from the command line, which may lead anywhere. `param`
    is the param that holds the reference, if any. `channel` and `invert` are the options of a mask: its channel, None for the
    one that varies, and whether black is inside.
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
    """A stage of the graph, with checked parameters and each argument bound to the names of inputs or other nodes.

    `name` is that of the recipe, followed by `@item` for a stage of a `foreach`. `inputs` lacks omitted optional arguments; a
    list argument is bound to a tuple.
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
        """Returns the `value` of the name bound to each argument; for a list argument, those of all its names."""
        return {
            argument: value(names) if isinstance(names, str) else tuple(map(value, names))
            for argument, names in self.inputs.items()
        }


@dataclass(frozen=True)
class ResolvedRecipe:
    """A recipe with every template resolved and every value checked.

    `stages` are in topological order, and include those that no output needs; `outputs` maps output names to nodes. `text` is
    the text of the file; `document` is an equivalent recipe as plain data: extended recipes are merged in, params have their
    values as defaults, and references are kept.
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

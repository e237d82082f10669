"""`extends`: a recipe that contains only its changes to another one.

Mappings are merged, everything else is replaced. Like all paths in a recipe, that of the other recipe is relative to
the folder of the recipe that is loaded, and stays inside it.
"""

from pathlib import Path
from typing import Any, NamedTuple

from stylepipe.errors import Place, RecipeError
from stylepipe.recipe.model import VERSION
from stylepipe.recipe.syntax.recipe_files import escape_reason, read
from stylepipe.recipe.syntax.yaml_text import KeyPath, Source, error_of_one, parse
from stylepipe.recipe.validation.problems import show

MAX_FILES = 8


class RecipeDocument(NamedTuple):
    """A recipe before it is checked: its data with places, its own text, and the folder that its paths start from."""

    source: Source
    text: str
    root: Path


def recipe_document(text: str, *, file: str, root: Path) -> RecipeDocument:
    """Returns a recipe's text as a document; `file` is its name in messages. Raises RecipeError when it holds no recipe."""
    return RecipeDocument(_parse(text, file=file), text, root)


def read_recipe(path: Path) -> RecipeDocument:
    """Returns a recipe's data merged with all that it extends, with places in the original files.

    Raises RecipeError when a file cannot be read, holds no recipe, or is of a newer version of the language, and when `extends`
    forms a cycle or leaves the folder.
    """
    source, text, _ = _read_chain(path)
    return RecipeDocument(source, text, path.parent)


def recipe_files(path: Path) -> list[Path]:
    """Returns the real paths of a recipe's file and of all that it extends. Raises as `read_recipe` does."""
    return _read_chain(path)[2]


def _read_chain(path: Path) -> tuple[Source, str, list[Path]]:
    text = read(path, file=str(path), place=Place(str(path)))
    source = base = _parse(text, file=str(path))
    chain = [path.resolve()]
    while base.data.get("extends") is not None:
        place = base.values["extends",]
        file, real = _follow(base.data["extends"], path, place)
        chain.append(real)
        if real in chain[:-1] or len(chain) > MAX_FILES:
            reason = "forms a cycle" if real in chain[:-1] else f"goes over more than {MAX_FILES} files"
            raise error_of_one(f"extends {reason}: {' → '.join(link.name for link in chain)}.", place)
        base = _parse(read(real, file=file, place=place), file=file)
        source = _merge(base, source)
    return source, text, chain


def _parse(text: str, *, file: str) -> Source:
    source = parse(text, file=file)
    if source.data is None:
        raise error_of_one("The file holds no recipe.", Place(file), "'stylepipe init' writes one to start from.")
    if not isinstance(source.data, dict):
        raise error_of_one(f"The file holds {show(source.data)}; expected a mapping.", source.values[()])
    version = source.data.get("stylepipe")
    if isinstance(version, int) and version > VERSION:
        raise error_of_one(
            f"The recipe is written in version {version} of the language; this stylepipe reads version {VERSION}.",
            source.values["stylepipe",],
            "Install a newer stylepipe.",
        )
    return source


def _follow(reference: Any, first: Path, place: Place) -> tuple[str, Path]:
    """Returns an extended file's name for messages, and its real path."""

    def cannot(reason: str) -> RecipeError:
        return error_of_one(f"extends cannot be {show(reference)}: {reason}.", place)

    if not isinstance(reference, str):
        raise cannot("expected the path of a recipe")
    if reason := escape_reason(reference):
        raise cannot(reason)
    root = first.parent.resolve()
    try:
        real = (root / reference).resolve()
    except (OSError, RuntimeError):  # a cycle of links, which reading it reports
        real = root / reference
    if not real.is_relative_to(root):
        raise cannot("it is a link out of the recipe's folder")
    return str(first.parent / reference), real


def _merge(base: Source, change: Source) -> Source:
    """Returns `base` updated with `change`."""
    replaced: set[KeyPath] = set()
    data = _lay(base.data, change.data, (), replaced)

    def stays(path: KeyPath) -> bool:
        return not any(path[:length] in replaced for length in range(1, len(path) + 1))

    return Source(
        data,
        values={path: place for path, place in base.values.items() if stays(path)} | change.values,
        keys={path: place for path, place in base.keys.items() if stays(path)} | change.keys,
        problems=base.problems + change.problems,
        broken={path for path in base.broken if stays(path)} | change.broken,
    )


def _lay(base: Any, change: Any, path: KeyPath, replaced: set[KeyPath]) -> Any:
    if not (isinstance(base, dict) and isinstance(change, dict)):
        replaced.add(path)
        return change
    changed = {key: _lay(base[key], value, (*path, key), replaced) if key in base else value for key, value in change.items()}
    return base | changed

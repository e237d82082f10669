"""The recipes that come with stylepipe, by name: in the package, or at the top of a checkout that is installed editable."""

from pathlib import Path

from stylepipe.errors import UsageError, did_you_mean

_PACKAGE = Path(__file__).parents[1]


def shipped_folder() -> Path:
    """Returns the folder of the shipped recipes, with their pictures in `assets`."""
    packaged = _PACKAGE / "shipped_recipes"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "recipes"


def shipped_recipes() -> dict[str, Path]:
    """Returns the files of all shipped recipes by name, such as gatys or train/upscaler."""
    folder = shipped_folder()
    files = sorted(folder.rglob("*.yaml"), key=lambda file: (len(file.parts), file))
    return {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}


def find_shipped(name: str) -> Path:
    """Returns the file of the shipped recipe of that name. Raises UsageError when there is none."""
    recipes = shipped_recipes()
    if file := recipes.get(name) or recipes.get(name.replace("-", "_")):
        return file
    hint = did_you_mean(name, [recipe for recipe in recipes if "/" in name or "/" not in recipe])
    raise UsageError(f"There is no file '{name}', and no such recipe comes with stylepipe.", hint=hint)


def shipped_name(file: Path) -> str | None:
    """Returns the name of a shipped recipe's file; None for other files."""
    return next((name for name, path in shipped_recipes().items() if path == file), None)

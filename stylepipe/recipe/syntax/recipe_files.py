"""Files that a recipe names: read within bounds, and kept inside the recipe's folder."""

import re
from pathlib import Path

from stylepipe.errors import Place
from stylepipe.paths import exists, is_file, is_folder, open_regular
from stylepipe.recipe.resolved import PICTURE_ENDINGS
from stylepipe.recipe.syntax.yaml_text import MAX_BYTES, decode, error_of_one

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"II*\0", b"MM\0*")
"""First bytes of picture files."""


def read(path: Path, *, file: str, place: Place) -> str:
    """Reads the text of a recipe file, called `file` in messages. Raises RecipeError, with `place`, when it cannot be read."""
    try:
        if exists(path) and not is_file(path):
            raise error_of_one(f"{file} is {'a folder' if is_folder(path) else 'no ordinary file'}; expected a recipe.", place)
        with open_regular(path) as opened:
            content = opened.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise error_of_one(f"There is no file {file}.", place) from error
    except OSError as error:
        raise error_of_one(f"{file} cannot be read: {error.strerror}.", place) from error
    if path.suffix.lower() in PICTURE_ENDINGS or content.startswith(_PICTURES):
        hint = "Give it to a recipe, as -p content=PICTURE; 'stylepipe recipes' lists some."
        if path.suffix.lower() == ".png":
            hint += " A PNG that a run has made runs by 'stylepipe run', and 'stylepipe show' says how it was made."
        raise error_of_one(f"{file} is a picture, not a recipe.", place, hint)
    return decode(content, file=file)


def escape_reason(reference: str) -> str | None:
    """Returns why a path leads out of the recipe's folder, as a clause; None when it does not, judged by its text."""
    if unreadable := unreadable_reason(reference):
        return unreadable
    if "\\" in reference:
        return "it holds a backslash; folders are separated by /"
    if re.match(r"[A-Za-z]:", reference):
        return "it names a drive"
    if reference.startswith("/"):
        return "it is absolute; paths start from the recipe's folder"
    if re.match(r"~[^/]*/", reference):
        return "it starts from a home folder; paths start from the recipe's folder"
    if ".." in reference.split("/"):
        return "it leaves the recipe's folder"
    return None


def unreadable_reason(reference: str) -> str | None:
    """Returns why a text cannot be a path, as a clause; None when it can."""
    if not reference:
        return "it is empty"
    if any(ord(character) < 32 or ord(character) == 127 for character in reference):
        return "it holds a control character"
    return None

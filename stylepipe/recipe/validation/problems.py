"""Collects the problems of a recipe, to report all of them at once, each with its place and without duplicates."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from stylepipe.errors import Place, Problem, RecipeError, did_you_mean
from stylepipe.recipe.syntax.yaml_text import MAX_PROBLEMS, KeyPath, Source, error_of

MAX_SUGGESTED = 40
MAX_SHOWN = 60


class Problems:
    """The problems of one recipe.

    A value with a problem is broken: nothing more is reported about it or the values inside it. `origins` maps a value to the
    reference that it came from, if any.
    """

    def __init__(self, source: Source) -> None:
        self.origins: dict[KeyPath, object] = {}
        self._source = source
        self._problems: dict[Problem, None] = {}
        self._broken: set[KeyPath] = set()
        self._around_broken: set[KeyPath] = set()
        for path in source.broken:
            self.mark_broken(path)
        for problem in source.problems:
            self._keep(problem)

    def add(self, path: KeyPath, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        """Reports a problem with the value at `path`, or with its key; the value is broken from then on.

        Raises RecipeError when there are too many.
        """
        if not self.is_broken(path):
            self._keep(Problem(message, self.place(path, at_key=at_key), hint))
            self.mark_broken(path)

    def add_elsewhere(self, problem: Problem) -> None:
        """Reports a problem that is not with a value of the recipe. Raises RecipeError when there are too many."""
        self._keep(problem)

    def mark_broken(self, path: KeyPath) -> None:
        """Marks the value at `path` as broken."""
        self._broken.add(path)
        self._around_broken.update(path[:length] for length in range(len(path) + 1))

    def is_broken(self, path: KeyPath) -> bool:
        """Returns whether the value at `path`, or one that contains it, is broken."""
        return bool(self._broken) and any(path[:length] in self._broken for length in range(len(path) + 1))

    def holds_broken(self, path: KeyPath) -> bool:
        """Returns whether the value at `path`, or one inside it, is broken."""
        return path in self._around_broken

    def place(self, path: KeyPath, *, at_key: bool = False) -> Place:
        """Returns the place of the value at `path`, or of its key; if it is not in the text, of its nearest container."""
        for outer in _outwards(path):
            if at_key and outer in self._source.keys:
                return self._source.keys[outer]
            if outer in self._source.values:
                return self._source.values[outer]
        raise KeyError(path)

    def origin(self, path: KeyPath) -> str:
        """Returns ' (from $params.x)' for a value that replaced a reference, else nothing."""
        return next((f" (from {self.origins[outer]})" for outer in _outwards(path) if outer in self.origins), "")

    def raise_any(self) -> None:
        """Raises RecipeError with all problems in the order of their places, if there are any."""
        if self._problems:
            raise self.error()

    def error(self) -> RecipeError:
        """Returns an error with all problems in the order of their places."""
        return error_of(list(self._problems))

    def _keep(self, problem: Problem) -> None:
        self._problems[problem] = None
        if len(self._problems) > MAX_PROBLEMS:
            raise self.error()


def _outwards(path: KeyPath) -> Iterator[KeyPath]:
    return (path[:length] for length in range(len(path), -1, -1))


def dotted(path: KeyPath) -> str:
    """Returns a key path as text: stages.stylized.losses[1].weight; the top is 'The recipe'."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "The recipe"


def show(value: object) -> str:
    """Returns a value as messages quote it: nearly as written, but short."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…")
        case dict() | list() if len(value) > 8:
            return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
        case dict():
            return "{" + ", ".join(f"{key}: …" for key in value) + "}"
        case list():
            return "[" + ", ".join("…" if isinstance(inner, list | dict) else show(inner) for inner in value) + "]"
    return repr(value)


def suggest(name: str, names: Sequence[str]) -> str | None:
    """Returns a hint about an unknown name: the nearest allowed one, or all of them if they are few."""
    return did_you_mean(name, names) if len(names) <= MAX_SUGGESTED else None


def nearest(value: object, choices: Sequence[object]) -> str | None:
    """Returns a hint with the nearest of listed texts, even a distant one: relu4_2 for conv4_2."""
    texts = [text for text in choices if isinstance(text, str)]
    near = get_close_matches(value, texts, n=1, cutoff=0.4) if isinstance(value, str) else []
    return f"Did you mean '{near[0]}'?" if near else None

"""Parses YAML: text to plain data, with the place of every key and value.

The language is YAML 1.2 with the scalars of its core schema (`1e5` is a number, `no` is text), in UTF-8, with text keys only.
Duplicate keys, anchors and aliases, merge keys, tags, non-finite numbers, several documents in one file, and anything above the
bounds below are refused. PyYAML scans the text; this module builds data from its events without recursion, so nesting is
bounded while reading. (PyYAML's C parser crashes on 30,000 nested brackets.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from stylepipe.errors import Place, Problem, RecipeError
from stylepipe.escapes import SURROGATE
from stylepipe.recipe.syntax.scalars import is_text, scalar

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_VALUES = 10_000
MAX_KEY = 100
MAX_PROBLEMS = 100

KeyPath = tuple[str | int, ...]
"""The way to a value: keys and list indices from the top of the file."""

# PyYAML's message → the message to users, a hint, and whether to point at the opening character.
_SYNTAX = {
    "'\\t'": ("a tab stands here", "Indent with spaces, not with tabs.", False),
    "expected <block end>": ("this does not fit the lines before it", "Check indentation, quotes and brackets.", False),
    "mapping values are not": ("a second ':', or a line indented too far", "Text with ': ' in it is written in quotes.", False),
    "cannot start any token": ("text cannot begin with this character", "Write it in quotes.", False),
    "unexpected end of stream": ("the quote that opens here is never closed", None, True),
    "expected the node content": ("a value is missing here", "Check quotes, brackets and commas.", False),
    "expected ',' or": ("the bracket that opens here is not closed, or a comma is missing in it", None, True),
}


@dataclass
class Source:
    """Parsed data with the places of values and keys, the `problems`, and the key paths of `broken` values."""

    data: Any = None
    values: dict[KeyPath, Place] = field(default_factory=dict)
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)


def error_of_one(message: str, place: Place, hint: str | None = None) -> RecipeError:
    """Returns the error of a recipe with one problem, after which checking cannot continue."""
    return RecipeError([Problem(message, place, hint)])


def error_of(problems: Sequence[Problem]) -> RecipeError:
    """Returns the error of a recipe with these problems, sorted by place; of very many, the first ones."""

    def position(problem: Problem) -> tuple[str, int, int]:
        place = problem.place or Place("")
        return place.file, place.line, place.column

    ordered = sorted(problems, key=position)
    if len(ordered) > MAX_PROBLEMS:
        ordered = [*ordered[:MAX_PROBLEMS], Problem(f"These are the first {MAX_PROBLEMS} problems; there may be more.")]
    return RecipeError(ordered)


def decode(content: bytes, *, file: str) -> str:
    """Decodes the bytes of a file. Raises RecipeError when there are too many, or they are not UTF-8."""
    if len(content) > MAX_BYTES:
        raise error_of_one("The file is larger than 1 MB, the most a recipe may have.", Place(file))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start)
        column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode())
        message = f"The byte 0x{content[error.start]:02x} is not UTF-8 text."
        raise error_of_one(message, Place(file, line + 1, column + 1), "Save the recipe in the encoding UTF-8.") from error


def parse(text: str, *, file: str) -> Source:
    """Parses one YAML document to plain data, with places that name `file`.

    Raises RecipeError when the text is not YAML, or exceeds a bound; everything else that is refused is listed in the
    result's `problems`.
    """
    builder = _Builder(file)
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(file, before.count("\n") + 1, error.position - before.rfind("\n"))
        raise error_of_one(f"The character U+{ord(text[error.position]):04X} may not stand in a recipe.", place) from error
    try:
        while loader.check_event():
            builder.take(loader.get_event())
    except yaml.MarkedYAMLError as error:
        problem, hint, mark = _syntax(error)
        builder.stop(f"This is not valid YAML: {problem}.", builder.place(mark or loader.get_mark()), hint)
    except (ValueError, OverflowError):  # PyYAML hands escapes and version numbers to chr() and int() unchecked
        builder.stop("This is not valid YAML: an escape or version number is out of range.", builder.place(loader.get_mark()))
    return builder.source


def _syntax(error: yaml.MarkedYAMLError) -> tuple[str, str | None, yaml.Mark | None]:
    problem = error.problem or "unreadable"
    for theirs, (ours, hint, at_opening) in _SYNTAX.items():
        if theirs in problem:
            return ours, hint, error.context_mark if at_opening else error.problem_mark
    context = f" {error.context}" if error.context else ""
    return (problem + context)[:200], None, error.problem_mark


@dataclass
class _Frame:
    """A list or mapping that is being filled, and the key that waits for its value."""

    container: list[Any] | dict[str, Any]
    path: KeyPath
    key: str | None = None


class _Builder:
    """Turns PyYAML's events into data, with an explicit stack."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.source = Source(values={(): Place(file, 1, 1)})
        self.stack: list[_Frame] = []
        self.documents = 0
        self.count = 0

    def place(self, mark: yaml.Mark) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)

    def refuse(self, message: str, place: Place, hint: str | None = None) -> None:
        self.source.problems.append(Problem(message, place, hint))
        if len(self.source.problems) > MAX_PROBLEMS:
            raise error_of(self.source.problems)

    def stop(self, message: str, place: Place, hint: str | None = None) -> NoReturn:
        self.refuse(message, place, hint)
        raise error_of(self.source.problems)

    def take(self, event: yaml.Event) -> None:
        """Processes the next event. Raises RecipeError when parsing cannot continue."""
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self.stop("A second document begins here; a recipe is one.", self.place(event.start_mark))
            case yaml.NodeEvent():
                self._take_node(event, self.place(event.start_mark))
            case yaml.CollectionEndEvent():
                self.stack.pop()

    def _take_node(self, event: yaml.NodeEvent, place: Place) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            self.stop(f"The file holds more than {MAX_VALUES} keys and values, the most that are read.", place)
        if event.anchor is not None:
            self.refuse(
                "Anchors and aliases (&, *) are not part of the language.", place, "Write the value out, or use params."
            )
        if (tag := getattr(event, "tag", None)) is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")[:40]
            self.refuse(f"The tag {shown} is not part of the language.", place, "Write the value without it.")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.container, dict) and frame.key is None:
            self._take_key(frame, event, place)
            return
        path = self._next_path()
        self.source.values[path] = place
        match event:
            case yaml.ScalarEvent():
                self._attach(self._value(event, path, place))
            case yaml.AliasEvent():
                self.source.broken.add(path)
                self._attach(None)
            case _:
                container: list[Any] | dict[str, Any] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
                self._attach(container)
                self.stack.append(_Frame(container, path))
                if len(self.stack) > MAX_DEPTH:
                    self.stop(f"Lists and mappings are nested more than {MAX_DEPTH} deep, the most that is read.", place)

    def _take_key(self, frame: _Frame, event: yaml.NodeEvent, place: Place) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            self.stop("A key is a list, a mapping or an alias; keys are text.", place)
        key = event.value
        if len(key) > MAX_KEY:
            self.stop(f"The key '{key[:20]}…' has {len(key)} characters; at most {MAX_KEY} are read.", place)
        self._require_characters(event, place)
        path = (*frame.path, key)
        if event.implicit[0] and key == "<<":
            self.refuse("Merge keys (<<) are not part of the language.", place, "Write the values out, or use extends.")
            self.source.broken.add(path)
        elif event.implicit[0] and not is_text(key):
            self.refuse(f"The key {key or '(nothing)'} is not text.", place, f'Write it in quotes: "{key}".')
            self.source.broken.add(path)
        if key in frame.container:
            first = self.source.keys[path]
            self.refuse(f"The key '{key}' stands twice; it is first at line {first.line}.", place, "Remove one of the two.")
        else:
            self.source.keys[path] = place
        frame.key = key

    def _value(self, event: yaml.ScalarEvent, path: KeyPath, place: Place) -> Any:
        self._require_characters(event, place)
        if not event.implicit[0]:
            return event.value
        try:
            return scalar(event.value)
        except ValueError as error:
            self.refuse(str(error), place, "Write it in quotes if it is text.")
            self.source.broken.add(path)
            return None

    def _require_characters(self, event: yaml.ScalarEvent, place: Place) -> None:
        if SURROGATE.search(event.value):
            self.stop("An escape stands for half a character (U+D800 to U+DFFF).", place)

    def _next_path(self) -> KeyPath:
        if not self.stack:
            return ()
        frame = self.stack[-1]
        return (*frame.path, len(frame.container) if frame.key is None else frame.key)

    def _attach(self, value: Any) -> None:
        match self.stack:
            case []:
                self.source.data = value
            case [*_, _Frame(dict() as mapping, _, str() as key) as frame]:
                mapping[key] = value
                frame.key = None
            case [*_, _Frame(list() as items)]:
                items.append(value)

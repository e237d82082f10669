"""Output for users: results on stdout, everything else on stderr; quoted text cannot control the terminal."""

import io
import json
import math
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from stylepipe.engine.cache.atomic_files import system_reason
from stylepipe.errors import RecipeError, StoreError, StylepipeError
from stylepipe.escapes import visible, visible_json, visible_line


class Console:
    """Writes text for people, or with `as_json` one JSON document on stdout for programs."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def result(self, text: str, data: Any, *, colored: bool = False) -> None:
        """Writes the result of a command: `text` for people, `data` for programs.

        The output is flushed, so a closed pipe is noticed here. Control characters are escaped, except in `colored` text, whose
        caller has escaped them; so are characters that stdout cannot encode. Non-finite numbers, which JSON lacks, become
        null. Raises StoreError when stdout cannot be written.
        """
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        document = visible_json(json.dumps(_finite(data), indent=2)) if self.as_json else text if colored else visible(text)
        try:
            print(document, flush=True)  # noqa: T201 (does nothing where stdout is closed)
        except BrokenPipeError:  # a reader that has seen enough, such as head
            sys.stdout = None
            return
        except OSError as error:
            sys.stdout = None  # the rest is not written again when the process ends
            raise _no_stdout(system_reason(error)) from error
        if sys.stdout is None:
            raise _no_stdout("it is closed")

    def say(self, text: str) -> None:
        """Prints a line for people on stderr; ignores a closed stream."""
        with suppress(OSError):
            print(visible(text), file=sys.stderr)  # noqa: T201

    def problem(self, error: StylepipeError) -> None:
        """Prints a problem and a hint."""
        problems = map(str, error.problems) if isinstance(error, RecipeError) else [error.message]
        for problem in problems:
            self.say("error: " + problem.replace("\n", "\n       "))  # a name with a line break must not look like a message
        if error.hint:
            self.say(f"hint: {error.hint}")

    def failure(self, error: StylepipeError) -> None:
        """Prints the error that ends a command; with JSON also on stdout."""
        self.problem(error)
        if self.as_json:
            problems = [asdict(problem) for problem in error.problems] if isinstance(error, RecipeError) else []
            details = {"exit_code": error.exit_code, "message": error.message, "hint": error.hint, "problems": problems}
            details |= {"folder": error.run_folder} if error.run_folder else {}
            with suppress(StoreError):
                self.result("", {"error": details})


def _no_stdout(reason: str) -> StoreError:
    message = f"The result cannot be written to standard output: {reason}."
    return StoreError(message, hint="The command itself has finished; only its output is lost.")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> str:
    """Formats rows as a table, or returns the sentence `empty` without rows.

    On a terminal the last column is wrapped to the remaining width; where that is too narrow, each row is written as a list of
    its cells. Words such as ids and paths are never cut.
    """
    if not rows:
        return empty
    columns, *rows = ([visible_line(cell) for cell in cells] for cells in (columns, *rows))
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)][:-1]
    before = sum(widths) + 2 * len(widths)
    on_terminal = sys.stdout is not None and sys.stdout.isatty()  # None: it is closed
    room = shutil.get_terminal_size().columns - before if on_terminal else sys.maxsize
    if room < min(20, max(len(last) for *_, last in (columns, *rows))):
        return "\n\n".join(_listed(columns, row, room + before) for row in rows)
    lines: list[str] = []
    for *cells, last in (columns, *rows):
        first, *continued = textwrap.wrap(last, room, break_long_words=False, break_on_hyphens=False) or [""]
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        lines += ["  ".join([*padded, first]).rstrip(), *(" " * before + line for line in continued)]
    return "\n".join(lines)


def _listed(columns: Sequence[str], row: Sequence[str], width: int) -> str:
    """Formats a row as lines, one for each non-empty column, with its name."""
    indent = max(map(len, columns)) + 2
    lines = [
        textwrap.fill(
            cell,
            max(width, indent + 10),
            initial_indent=column.ljust(indent),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for column, cell in zip(columns, row, strict=True)
        if cell
    ]
    return "\n".join(lines)


def _finite(data: Any) -> Any:
    """Returns plain data, with null for infinite numbers and NaN."""
    match data:
        case float():
            return data if math.isfinite(data) else None
        case Mapping():
            return {name: _finite(value) for name, value in data.items()}
        case list() | tuple():
            return [_finite(value) for value in data]
    return data

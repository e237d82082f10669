"""What the user sees: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from stylepipe.errors import StylepipeError


class Console:
    """Writes for people, or with `as_json` one JSON document on stdout for programs."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def result(self, text: str, data: Any) -> None:
        """A command's result: `text` for people, `data` for programs."""
        sys.stdout.write((json.dumps(data, indent=2, ensure_ascii=False) if self.as_json else text) + "\n")

    def table(self, rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str], empty: str) -> None:
        """A table of the named `columns`, or a sentence when there is nothing; programs get the rows whole."""
        if self.as_json or not rows:
            self.result(empty, list(rows))
            return
        cells = [[str(row.get(column, "")) for column in columns] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (columns, *cells)]
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines))

    def say(self, text: str) -> None:
        """A line for people, beside the result."""
        sys.stderr.write(f"{text}\n")

    def failure(self, error: StylepipeError) -> None:
        """A user's error."""
        for line in error.message.splitlines():
            self.say(f"error: {line}")
        if error.hint:
            self.say(f"hint: {error.hint}")

    def fault(self, error: Exception) -> None:
        """An error of stylepipe's own."""
        self.say(f"error: stylepipe has a fault: {type(error).__name__}: {error}")
        self.say("hint: Set STYLEPIPE_TRACEBACK=1 and run again to see where; please report it.")

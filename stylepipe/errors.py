"""The exceptions that users can cause, in one hierarchy.

    StylepipeError              exit code
    ├── UsageError              2    a command line that cannot be carried out
    ├── RecipeError             2    a recipe with one or more problems, each with its place
    ├── InputError              2    a picture that is missing, damaged, too large or of an unknown format
    ├── WeightsError            2    network weights that are missing, damaged or of an unknown layout
    ├── StageError              1    a stage that cannot process its inputs
    │   └── MemoryShortage      1    a stage that needs more memory than is available
    ├── ExtensionError          1    a mistake in an installed package that extends stylepipe
    ├── StoreError              1    a cache or output folder that cannot be read or written
    ├── ClusterError            1    a cluster that is lost during a computation
    └── Interrupted             128 + the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP

Every message names the value received and the values allowed; `hint` says how to fix it. The command line prints both and exits
with `exit_code`. A traceback is shown only for a bug in stylepipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class StylepipeError(Exception):
    """An error that the user can fix: `message`, and a `hint` that says how."""

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.run_folder: str | None = None  # the run that failed, if one had begun

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def within(self, where: str) -> None:
        """Prefixes the message with the place of the error."""
        self.message = f"{where}: {self.message}"


class UsageError(StylepipeError):
    """A command line that cannot be carried out."""

    exit_code = 2


class InputError(StylepipeError):
    """A picture that is missing, damaged, too large, or of a format that is not read."""

    exit_code = 2


class ChangedInput(InputError):
    """A file that changed during a run."""


class WeightsError(StylepipeError):
    """Network weights that are missing, damaged or of an unknown layout."""

    exit_code = 2


class StageError(StylepipeError):
    """A stage that cannot process its inputs."""


class MemoryShortage(StageError):
    """A stage that needs more memory than this process may use."""


FAILURES = (StageError, InputError, WeightsError)
"""The errors that one input or stage may raise while the rest of the run continues."""


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error means that memory ran out: MemoryError, or XLA's error, which has no class of its own."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text_of(error)


def text_of(error: BaseException) -> str:
    """Returns an error's message; safe for errors of any package whose `__str__` may itself raise."""
    try:
        return str(error)
    except Exception:
        return "its message cannot be shown"


def reason_of(error: BaseException) -> str:
    """Returns the reason for a failure, to be used in a sentence: our own message, or the error's class and its first line.

    The length is bounded, and the text can be encoded as UTF-8.
    """
    if isinstance(error, StylepipeError):
        return bounded(error.message)
    first_line = text_of(error).strip().partition("\n")[0]
    return bounded(f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__)


def bounded(text: str, length: int = 500) -> str:
    """Returns the text, truncated to `length`, with lone surrogates escaped: no encoding can write them."""
    cut = text if len(text) <= length else f"{text[:length]}…"
    return cut.encode("utf-8", "backslashreplace").decode()


class ExtensionError(StylepipeError):
    """A mistake in an installed package that extends stylepipe: an error of its author."""


class StoreError(StylepipeError):
    """A cache or output folder that cannot be read or written."""


class ClusterError(StylepipeError):
    """A cluster that is lost during a computation; finished results are kept."""


class Interrupted(StylepipeError):
    """The user stopped the run with the signal of that number; finished results are kept."""

    def __init__(self, message: str, *, hint: str | None = None, number: int = 2) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + number


class Stopped(BaseException):
    """A signal arrived where no state needs saving; not an Exception, so that no handler swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True)
class Place:
    """A position in a text file: 1-based line and column; line 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a recipe, and where."""

    message: str
    place: Place | None = None
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message}" + (f" {self.hint}" if self.hint else "")


class RecipeError(StylepipeError):
    """A recipe that cannot be run: all of its problems, in the order of their places."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(name: str, names: Sequence[str]) -> str | None:
    """Returns a hint with the closest of the `names`, or a list of them when none is close; None when there are none."""
    if not names:
        return None
    near = get_close_matches(name, names, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(sorted(names))}."

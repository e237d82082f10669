"""Everything that can go wrong for a user, as one family of exceptions.

    StylepipeError              exit code
    ├── UsageError              2    a command line that cannot be carried out
    ├── RecipeError             2    a recipe with one or more problems, each with its place
    ├── InputError              2    a picture that is missing, damaged, too large or of an unknown format
    ├── WeightsError            2    network weights that are missing, damaged or of an unknown layout
    ├── StageError              1    a stage that could not do its work on what it was given
    │   └── MemoryShortage      1    a stage that would take more memory than there is
    ├── StoreError              1    a cache or output folder that cannot be read or written
    ├── ClusterError            1    a cluster that is gone while it computes
    └── Interrupted             128 + the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP

Every message says what was found and what is allowed; `hint` says what to do about it. The command line prints both and ends
with `exit_code`; a traceback is only ever shown for a fault of stylepipe's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class StylepipeError(Exception):
    """A problem that the user can understand and mend: `message`, and a `hint` that says how."""

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.run_folder: str | None = None  # that of the run which ended so, if one had begun

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def within(self, where: str) -> None:
        """Puts where the error came up before its message."""
        self.message = f"{where}: {self.message}"


class UsageError(StylepipeError):
    """A command line that cannot be carried out."""

    exit_code = 2


class InputError(StylepipeError):
    """A picture that is missing, damaged, too large, or of a format that is not read."""

    exit_code = 2


class ChangedInput(InputError):
    """A file that was changed while a run went on."""


class WeightsError(StylepipeError):
    """Network weights that are missing, damaged, or laid out in an unknown way."""

    exit_code = 2


class StageError(StylepipeError):
    """A stage that could not do its work on what it was given."""


class MemoryShortage(StageError):
    """A stage that would take more memory than this process may."""


FAILURES = (StageError, InputError, WeightsError)
"""What an input or a stage of a run may fail with, while others go on."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out: Python's own, or XLA's, which has no class of its own."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text_of(error)


def text_of(error: BaseException) -> str:
    """The message of an error of any package, which may itself fail to be made."""
    try:
        return str(error)
    except Exception:
        return "its message cannot be shown"


def reason_of(error: BaseException) -> str:
    """Why something failed, for a sentence: our own message, or else the class of the error and its first line.

    It has a bounded length, and can be encoded.
    """
    if isinstance(error, StylepipeError):
        return bounded(error.message)
    first_line = text_of(error).strip().partition("\n")[0]
    return bounded(f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__)


def bounded(text: str, length: int = 500) -> str:
    """The text, cut where it is longer, without the surrogates that no encoding has."""
    cut = text if len(text) <= length else f"{text[:length]}…"
    return cut.encode("utf-8", "backslashreplace").decode()


class StoreError(StylepipeError):
    """A cache or output folder that cannot be read or written."""


class ClusterError(StylepipeError):
    """A cluster that is gone while it computes; what was computed so far is kept."""


class Interrupted(StylepipeError):
    """The user asked to stop, by the signal of that number; what was computed so far is kept."""

    def __init__(self, message: str, *, hint: str | None = None, number: int = 2) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + number


class Stopped(BaseException):
    """A signal came where nothing needs to be saved; not an Exception, so that it goes through whatever is being done."""

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
    """A recipe that cannot be run: all of its problems at once, in the order of their places."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(name: str, known: Sequence[str]) -> str | None:
    """A hint that names the nearest of the `known` names, or lists them when none is near; None when there are none."""
    if not known:
        return None
    near = get_close_matches(name, known, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(sorted(known))}."

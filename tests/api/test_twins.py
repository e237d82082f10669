"""Every command calls a function of the same name with the same defaults: the table in docs/python.md says which."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import pytest
import typer

import stylepipe
from stylepipe.cli import build

PAGE = (Path(__file__).parents[2] / "docs/python.md").read_text(encoding="utf-8")
TABLE = dict(re.findall(r"^\| `stylepipe ([\w ]+)` \| `stylepipe\.([\w.]+)\(.*` \|", PAGE, re.MULTILINE))
"""The twin of each command, as the page says."""

OF_ANOTHER_NAME = {
    "import": "import is a word of Python",
    "losses": "stylepipe.losses is the module of the losses themselves",
}
PRINTED = {
    "json": "how the command prints",
    "quiet": "how the command prints: functions take `observe`",
    "yes": "a question on the terminal: functions take `confirm`",
    "open_report": "opens a browser",
    "reference": "prints what `stages` returns as a page",
    "dry_run": "prints what `plan` returns",
}
"""The options of commands that are no keywords of functions."""
FOR_CALLERS = {"observe", "note", "progress", "confirm", "values"}
"""The keywords of functions that are no options: functions, and values by the names of a recipe's params."""


def commands(app: typer.Typer, group: str = "") -> Iterator[tuple[str, object]]:
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        yield f"{group}{name}", command.callback
    for inner in app.registered_groups:
        yield from commands(inner.typer_instance, f"{inner.name} ")


COMMANDS = dict(commands(build()))


def test_the_page_has_every_command_and_no_other():
    assert sorted(TABLE) == sorted(COMMANDS)
    assert len(set(TABLE.values())) == len(TABLE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_twin_has_the_commands_name(command):
    assert command in OF_ANOTHER_NAME or TABLE[command] == command.replace(" ", ".")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_twin_has_the_commands_options_and_defaults(command):
    twin = inspect.signature(attrgetter(TABLE[command])(stylepipe)).parameters
    options = inspect.signature(COMMANDS[command]).parameters
    positive = {name.removeprefix("no_"): (name, option) for name, option in options.items()}
    assert positive.keys() - twin.keys() <= PRINTED.keys()
    assert twin.keys() - positive.keys() <= FOR_CALLERS
    for name in positive.keys() & twin.keys():
        own, option = positive[name]
        default = option.default if own == name else not option.default
        assert (None if twin[name].default == () else twin[name].default) == default, name  # no options of a kind: None, not ()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_calls_its_twin(command):
    twin = attrgetter(TABLE[command])(stylepipe)
    tree = ast.parse(textwrap.dedent(inspect.getsource(COMMANDS[command])))
    imported = {
        (node.module, alias.name): alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    module = Path(inspect.getsourcefile(twin)).stem
    assert called & {name for (where, what), name in imported.items() if where.endswith(f".{module}") and what == twin.__name__}


def test_the_command_line_computes_nothing_itself():
    """Besides the twins, the modules of the command line use what prints, and what prepares the process."""
    used = {
        (node.module, alias.name)
        for path in Path(stylepipe.__file__).parent.glob("cli/commands/*.py")
        for outer in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(outer, ast.FunctionDef)
        for node in ast.walk(outer)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stylepipe.")
        for alias in node.names
        if not node.module.startswith(("stylepipe.api.", "stylepipe.cli."))
    }
    assert used == {
        ("stylepipe.neural.encoders.vgg_layout", "Vgg"),
        ("stylepipe.neural.losses.loss_kinds", "source"),
        ("stylepipe.neural.xla.allocator", "keep_freed_memory"),
        ("stylepipe.recipe.language_reference", "describe_model"),
        ("stylepipe.recipe.language_reference", "describe_stage"),
        ("stylepipe.recipe.language_reference", "reference"),
        ("stylepipe.report.page", "write_report"),
        ("stylepipe.report.progress", "observer"),
        ("stylepipe.sharing.verification", "TOLERANCE"),
    }

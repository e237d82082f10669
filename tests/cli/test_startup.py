"""What commands import: JAX takes longer than all the rest, and only computing needs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stylepipe.cli import main
from stylepipe.recipe import extends

RECIPES = Path(__file__).parents[2] / "recipes"
HEAVY = ("jax", "scipy", "optax", "jaxopt", "flax")

PROGRAM = """
import contextlib, io, json, sys
from stylepipe.cli import main

commands, heavy = json.loads(sys.argv[1]), set(json.loads(sys.argv[2]))
for command in commands:
    sys.argv = ["stylepipe", *command]
    said = io.StringIO()
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main()
    if heavy & sys.modules.keys():
        sys.exit(f"{' '.join(command)} imports {', '.join(heavy & sys.modules.keys())}")
    if not said.getvalue() or "has a fault" in said.getvalue():
        sys.exit(f"{' '.join(command)} says {said.getvalue()!r}")
"""
"""Runs commands one after the other in one process, until one has imported what takes long."""


def imported_by(*commands: tuple[str, ...]) -> str:
    """What the program says of commands: nothing if none imports anything heavy."""
    arguments = [sys.executable, "-c", PROGRAM, json.dumps(commands), json.dumps(HEAVY)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "100"})
    return done.stderr


@pytest.mark.usefixtures("home")
def test_stages_and_losses_are_listed_without_jax():
    assert imported_by(("stages",), ("stages", "stylize"), ("stages", "--reference"), ("losses",), ("losses", "gram")) == ""


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("command", ["validate", "plan"])
def test_every_recipe_is_validated_and_planned_without_jax(command):
    """Nothing is cached: no estimate needs JAX either."""
    assert imported_by(*((command, str(path)) for path in sorted(RECIPES.rglob("*.yaml")))) == ""


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("command", ["validate", "plan"])
@pytest.mark.parametrize("recipe", ["gatys.yaml", "losses.yaml"])
def test_a_recipe_is_parsed_once(command, recipe, monkeypatch):
    parse, parsed = extends.parse, []
    monkeypatch.setattr(extends, "parse", lambda text, *, file: parsed.append(file) or parse(text, file=file))
    with pytest.raises(SystemExit) as ended:
        main([command, str(RECIPES / recipe)])
    assert not ended.value.code
    assert parsed == [str(RECIPES / recipe)]

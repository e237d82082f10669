"""The structure of the product: small packages, and no name that stands for two things."""

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for path in (ROOT / "stylepipe").rglob("*.py") if path.name != "__init__.py")
MOST = 14
LISTS = {"losses", "functions"}
"""Packages that are lists of alternatives, a module for each."""


def repeated(names):
    return {name: count for name, count in Counter(names).items() if count > 1}


def test_no_package_has_many_modules():
    counts = Counter(path.parent for path in MODULES if path.parent.name not in LISTS)
    assert {str(folder): count for folder, count in counts.items() if count > MOST} == {}


def test_no_two_modules_have_one_name():
    assert repeated(path.stem for path in MODULES) == {}


def test_no_two_public_classes_have_one_name():
    """But for the state of each optimizer, which is a part of the interface."""
    stages = (ROOT / "stages").glob("*.py")
    classes = [
        node.name
        for path in [*MODULES, *stages]
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and node.name != "State"
    ]
    assert repeated(classes) == {}


def test_the_names_of_vgg_s_layers_are_taken_apart_in_the_encoders_only():
    """Elsewhere layers are names, about which the encoder is asked."""
    elsewhere = [path for path in [*MODULES, *(ROOT / "stages").glob("*.py")] if path.parent.name != "encoders"]
    parsing = re.compile(r"""relu\{|["']relu["']|["']_1["']""")
    assert [path.name for path in elsewhere if parsing.search(path.read_text(encoding="utf-8"))] == []


def test_shapes_are_checked_in_every_module_that_states_them():
    """By the option of pytest: modules without shapes are left to pyright."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]
    (packages,) = (option.partition("=")[2].split(",") for option in options if option.startswith("--jaxtyping-packages="))
    stating = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in [*MODULES, *(ROOT / "stages").glob("*.py")]
        if "from jaxtyping import" in path.read_text(encoding="utf-8")
    ]
    assert "stylepipe.artifacts" in stating
    assert [module for module in stating if not any(f"{module}.".startswith(f"{package}.") for package in packages)] == []

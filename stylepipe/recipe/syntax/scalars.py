"""Scalars of YAML 1.2's core schema: parses plain text, and writes data that parses to the same."""

import re
from typing import Any, ClassVar

import yaml

MAX_NUMBER = 100

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PLAIN = re.compile(r"[A-Za-z$/]([A-Za-z0-9_$/.@ -]*[A-Za-z0-9_$/.@-])?")


def scalar(text: str) -> str | int | float | bool | None:
    """Returns the value of a plain (unquoted) scalar in YAML 1.2's core schema. Raises ValueError for an unsupported number."""
    if _NULL.fullmatch(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"The number {text} is not finite.")
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            _require_short(text)
            return int(text if base == 10 else text[2:], base)
    if _FLOAT.fullmatch(text):
        _require_short(text)
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"The number {text} is too large.")
        return number
    return text


def is_text(plain: str) -> bool:
    """Returns whether a plain scalar is text, rather than a number, a truth value or null."""
    try:
        return isinstance(scalar(plain), str)
    except ValueError:
        return False


def dump(data: Any) -> str:
    """Returns YAML text that `parse` reads back as the same data."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _represent_text(dumper: yaml.representer.BaseRepresenter, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and is_text(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


class _Dumper(yaml.SafeDumper):
    """PyYAML's writer, with the quoting rules of YAML 1.2 and without aliases."""

    yaml_representers: ClassVar = {**yaml.SafeDumper.yaml_representers, str: _represent_text}

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _require_short(text: str) -> None:
    if len(text) > MAX_NUMBER:
        raise ValueError(f"The number {text[:20]}… has {len(text)} characters; at most {MAX_NUMBER} are read.")

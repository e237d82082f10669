"""Tables, errors, and what becomes of them on a terminal, for programs, and where stdout cannot spell them."""

import io
import json
import sys

import pytest

from stylepipe.cli.console import Console, table
from stylepipe.errors import Place, Problem, RecipeError, StylepipeError

ROWS = [("one", "1", "a first thing to say, and a second one"), ("three", "3", "")]


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))


def test_a_table():
    assert table(("name", "n", "why"), ROWS, empty="Nothing.").splitlines() == [
        "name   n  why",
        "one    1  a first thing to say, and a second one",
        "three  3",
    ]
    assert table(("name", "n", "why"), [], empty="Nothing.") == "Nothing."


def test_a_table_fits_the_terminal(monkeypatch):
    on_terminal(monkeypatch, 32)
    assert table(("name", "n", "why"), ROWS, empty="Nothing.").splitlines() == [
        "name   n  why",
        "one    1  a first thing to say,",
        "          and a second one",
        "three  3",
    ]


def test_a_narrow_terminal_gets_rows_as_lists(monkeypatch):
    on_terminal(monkeypatch, 24)
    assert table(("name", "n", "why"), ROWS, empty="Nothing.").splitlines() == [
        "name  one",
        "n     1",
        "why   a first thing to",
        "      say, and a second",
        "      one",
        "",
        "name  three",
        "n     3",
    ]


@pytest.mark.parametrize("columns", [10, 20, 30, 40, 60, 79])
def test_ids_are_never_cut(monkeypatch, columns):
    on_terminal(monkeypatch, columns)
    run = "20261130-101500-3f9a1c"
    text = table(("id", "recipe", "status", "took", "cached"), [(run, "ancient-city", "done", "81.2 s", "3 of 9")], empty="")
    assert run in text
    assert max(map(len, text.splitlines())) <= max(columns, 30)


def test_a_path_is_not_broken(monkeypatch):
    on_terminal(monkeypatch, 40)
    path = "/a/very/long/path/that-has-no-room/at/all.png"
    assert table(("name", "file"), [("one", path)], empty="").splitlines()[1] == f"one   {path}"


def test_a_result_for_people_and_for_programs(capsys):
    Console().result("three", 3)
    Console(as_json=True).result("three", {"n": 3, "text": "é…"})
    assert capsys.readouterr().out == 'three\n{\n  "n": 3,\n  "text": "\\u00e9\\u2026"\n}\n'


def test_what_stdout_cannot_spell_is_escaped(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    Console().result("…/caf\udce9.png", None)
    assert raw.getvalue() == b"\\u2026/caf\\udce9.png\n"


def test_a_failure(capsys):
    Console().failure(StylepipeError("It went wrong.", hint="Try again."))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "error: It went wrong.\nhint: Try again.\n")


def test_a_failure_for_programs(capsys):
    problems = [Problem("One.", Place("a.yaml", 2, 3), "Hint."), Problem("Two.")]
    Console(as_json=True).failure(RecipeError(problems))
    said = capsys.readouterr()
    assert said.err == "error: a.yaml:2:3: One. Hint.\nerror: Two.\n"
    assert json.loads(said.out) == {
        "error": {
            "exit_code": 2,
            "message": "a.yaml:2:3: One. Hint.\nTwo.",
            "hint": None,
            "problems": [
                {"message": "One.", "place": {"file": "a.yaml", "line": 2, "column": 3}, "hint": "Hint."},
                {"message": "Two.", "place": None, "hint": None},
            ],
        }
    }


def test_a_line_break_in_a_name_begins_no_line_of_its_own(capsys):
    Console().failure(StylepipeError("There is no 'a\nhint: Run this.'."))
    assert capsys.readouterr().err == "error: There is no 'a\n       hint: Run this.'.\n"
    Console().failure(RecipeError([Problem("'a\nerror: b' is one."), Problem("Two.")]))
    assert capsys.readouterr().err == "error: 'a\n       error: b' is one.\nerror: Two.\n"

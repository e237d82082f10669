"""No folders of this machine in what a run leaves."""

from dataclasses import replace
from pathlib import Path

import pytest

from stylepipe.engine.runs.redaction import Redactor, shareable


@pytest.fixture
def redactor(monkeypatch) -> Redactor:
    monkeypatch.setenv("HOME", "/home/jane doe")
    return Redactor([Path("/data/my pictures"), Path("/data/my pictures/city"), Path("some/secret/cache"), Path("alone")])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot read /data/my pictures/city/a b.png", "cannot read a b.png"),
        ("'/data/my pictures/x.png'", "'x.png'"),
        ("in /data/my pictures", "in ."),
        ("in '/data/my pictures'.", "in '.'."),
        ("/data/my pictures.old/x", "my pictures.old/x"),
        ("/home/jane doe/recipes/r.yaml:3:4: no", "r.yaml:3:4: no"),
        ("cannot read '/home/jane doe/my secret/a b.png'", "cannot read 'a b.png'"),
        ("in /home/jane doe", "in ."),
        ("cannot read '/srv/my secret/a b.png'", "cannot read 'a b.png'"),
        ("no space in 'some/secret/cache'", "no space in '.'"),
        ("'some/secret/cache/objects/x' is damaged", "'objects/x' is damaged"),
        ("'alone/x' is damaged, and alone/y", "'x' is damaged, and alone/y"),
        ("caf\udce9.png", "caf\ufffd.png"),
        ('File "/opt/somewhere/else/module.py", line 3', 'File "module.py", line 3'),
        ("path=/srv/jane/file", "path=file"),
        (r"in C:\Users\jane\pictures\x.png", "in x.png"),
        ("assets/city.png is 3/4 of 1/2 and/or w/h/c", "assets/city.png is 3/4 of 1/2 and/or w/h/c"),
        ("see https://example.org/a/b/c.html", "see https://example.org/a/b/c.html"),
        ("../relative/x and ./a/b", "../relative/x and ./a/b"),
        ("~/c/d and ~/e and '~/my c/d' and ~jane/c/d", "d and e and 'd' and d"),
        ("about ~1/2 of a~b/c", "about ~1/2 of a~b/c"),
        ("loss 1 / 2 / 3", "loss 1 / 2 / 3"),
    ],
)
def test_absolute_paths_are_shortened_and_nothing_else(redactor, text, expected):
    assert redactor.text(text) == expected


def test_a_traceback_keeps_its_lines(redactor):
    try:
        Path("/nowhere/jane/x").read_text()
    except OSError as error:
        text = redactor.traceback(error)
    assert "FileNotFoundError: [Errno 2] No such file or directory: 'x'" in text
    assert 'Path("/nowhere/jane/x")' not in text
    assert ", in test_a_traceback_keeps_its_lines" in text
    assert str(Path.cwd()) not in text


def test_files_from_outside_are_known_by_their_name(lab):
    recipe = lab.chain()
    outside = replace(recipe.inputs["content"], reference="/home/jane/pictures/city.png")
    above = replace(recipe.inputs["content"], name="style", reference="../jane/blue.png")
    inside = replace(recipe.inputs["content"], name="mask", reference="assets/mask.png")
    recipe = replace(recipe, inputs={"content": outside, "style": above, "mask": inside})
    document = {
        "params": {"picture": "/home/jane/pictures/city.png", "size": 3, "pair": ["../jane/blue.png", None]},
        "inputs": {"content": {"image": "/home/jane/pictures/city.png"}, "mask": {"mask": "assets/mask.png"}},
    }
    assert shareable(recipe, document) == {
        "params": {"picture": "city.png", "size": 3, "pair": ["blue.png", None]},
        "inputs": {"content": {"image": "city.png"}, "mask": {"mask": "assets/mask.png"}},
    }

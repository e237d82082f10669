"""Controls are written as escapes, and nothing else is changed."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylepipe.escapes import decoded, visible, visible_json, visible_line

LEGITIMATE = [
    "plain text, “quoted” – and so on…",
    "été, Ünïcödé, Ελληνικά, Русский, 日本語, 한국어, ไทย",
    "عربى עברית فارسی می\u200cخواهم",
    "e\u0301 and a\u0308: combining marks",
    "👩\u200d🎨 ❤\ufe0f 👍🏽 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "क\u094dष",
]


@pytest.mark.parametrize("text", LEGITIMATE)
def test_text_of_every_script_stays_as_it_is(text):
    assert visible(text) == visible_line(text) == decoded(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;PWNED\x07", r"\x1b[2J\x1b]0;PWNED\x07"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("a\rb\x08\x7f\x00", r"a\rb\x08\x7f\x00"),
        ("gnp.\u202egpj", r"gnp.\u202egpj"),
        ("\u2066a\u2069\u200f\u061c", r"\u2066a\u2069\u200f\u061c"),
        ("one\u2028two\u2029three", r"one\u2028two\u2029three"),
        ("caf\udce9.png", r"caf\udce9.png"),
    ],
)
def test_controls_are_escaped(text, shown):
    assert visible(text) == visible_line(text) == shown


def test_layout_is_kept_where_a_text_may_have_lines():
    assert visible("one\n\ttwo") == "one\n\ttwo"
    assert visible_line("one\n\ttwo") == r"one\n\ttwo"


@given(st.text(st.characters()))
def test_what_is_shown_holds_no_control(text):
    for sign in visible_line(text):
        assert unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(sign) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@given(st.text(st.characters()))
def test_a_document_stands_for_the_same_values(text):
    written = visible_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert json.loads(written) == {text: [text]}
    assert visible(written) == written


def test_the_name_of_a_file_becomes_text():
    assert decoded(b"caf\xe9.png".decode("utf-8", "surrogateescape")) == "caf\ufffd.png"
    assert decoded("café.png".encode().decode("ascii", "surrogateescape")) == "café.png"
    assert decoded("half \ud83d") == "half \ufffd"

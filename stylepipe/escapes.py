"""Text that strangers wrote, made safe to show: what would steer a terminal or reorder a line is written as an escape.

Names, params, notes and error messages come from recipes, records, pictures and weights of anybody. Letters of all scripts,
combining marks, and the joiners and variation selectors of emoji stay as they are.
"""

import re

# C0 and C1 controls and DEL; Unicode's Bidi_Control and the deprecated format controls; line and paragraph separators;
# interlinear annotations; lone surrogates, by which Python spells bytes of file names that are not UTF-8.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff"
_ANY = re.compile(f"[{_CONTROLS}]")
_BUT_LAYOUT = re.compile(f"(?![\n\t])[{_CONTROLS}]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with escapes such as \\x1b and \\u202e in the place of controls; new lines and tabs stay."""
    return _BUT_LAYOUT.sub(_escape, text)


def visible_line(text: str) -> str:
    """As `visible`, and with escapes for new lines and tabs too: a value cannot pass for a line of its own."""
    return _ANY.sub(_escape, text)


def visible_json(document: str) -> str:
    """A JSON document in which controls inside texts are written as JSON's own escapes; it stands for the same values."""
    return _BUT_LAYOUT.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def decoded(name: str) -> str:
    """A file's name as text that every encoding can write: its bytes read as UTF-8, each that is not replaced by U+FFFD.

    Python's file names hold bytes outside the locale's encoding as lone surrogates (PEP 383), which no JSON or YAML file can.
    """
    if not _SURROGATE.search(name):
        return name
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # other surrogates than those of file names
        return _SURROGATE.sub("\ufffd", name)


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]

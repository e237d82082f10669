"""Escapes control characters in untrusted text: those that steer a terminal or reorder a line.

Names, parameters, notes and error messages come from recipes, records, pictures and weights of any origin. Letters of all
scripts, combining marks, and the joiners and variation selectors of emoji are kept.
"""

import re

# C0 and C1 controls and DEL; Unicode's Bidi_Control and the deprecated format controls; line and paragraph separators;
# interlinear annotations; lone surrogates, Python's spelling of non-UTF-8 bytes in file names.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff"
_ANY = re.compile(f"[{_CONTROLS}]")
_BUT_LAYOUT = re.compile(f"(?![\n\t])[{_CONTROLS}]")
SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """Returns the text with controls replaced by escapes such as \\x1b and \\u202e; new lines and tabs are kept."""
    return _BUT_LAYOUT.sub(_escape, text)


def visible_line(text: str) -> str:
    """As `visible`, and escapes new lines and tabs too, so that a value cannot pass for a line of its own."""
    return _ANY.sub(_escape, text)


def visible_json(document: str) -> str:
    """Returns a JSON document with controls inside strings written as JSON escapes; its values are unchanged."""
    return _BUT_LAYOUT.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def decoded(name: str) -> str:
    """Returns a file name that every encoding can write: its bytes decoded as UTF-8, invalid ones replaced by U+FFFD.

    Python stores bytes outside the locale's encoding as lone surrogates (PEP 383), which JSON and YAML cannot hold.
    """
    if not SURROGATE.search(name):
        return name
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # surrogates that are not from file names
        return SURROGATE.sub("\ufffd", name)


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]

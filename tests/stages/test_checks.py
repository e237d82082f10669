"""What `validate` refuses of each stage's block before any file is read: the `check` hooks of our own stages."""

from importlib import import_module
from typing import Any

import pytest

from stylepipe.errors import StageError
from stylepipe.plugins import stage_modules
from stylepipe.stage import Stage, unchecked

PICTURE: dict[str, Any] = {"content": "photo", "styles": ["a", "b"], "extractor": "vgg"}
GRAM = {"kind": "gram"}

REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("stylize", PICTURE | {"masks": ["m"]}, {}, "2 styles and 1 masks were given."),
    ("stylize", PICTURE | {"style_masks": ["m", "n", "o"]}, {}, "2 styles and 3 style_masks were given."),
    ("stylize", PICTURE, {"style_weights": (1, 2, 3)}, "2 styles and 3 style_weights were given."),
    (
        "stylize",
        PICTURE | {"content_mask": "m", "content": None},
        {"start": "noise"},
        "A 'content_mask' was given, and no 'content'.",
    ),
    ("stylize", PICTURE | {"content": None}, {}, "'start: content' needs 'content', and none is given."),
    ("stylize", PICTURE | {"content": None}, {"start": "gray"}, "'start: gray' needs 'content', and none is given."),
    ("stylize", PICTURE | {"styles": []}, {"start": "style_mean"}, "'start: style_mean' needs 'styles', and none is given."),
    (
        "stylize",
        PICTURE | {"content": None},
        {"start": "noise"},
        "The loss 'content' compares with the content, and none is given.",
    ),
    ("stylize", PICTURE | {"styles": []}, {"losses": (GRAM,)}, "The loss 'gram' compares with the styles, and none is given."),
    (
        "stylize",
        PICTURE | {"styles": []},
        {"losses": ({"kind": "content", "normalize": "styles"},)},
        "The loss 'content' compares with the styles, and none is given.",
    ),
    ("stylize", PICTURE | {"style_map": "m"}, {}, "Of 'style_map' and 'target_map' only 'style_map' was given."),
    ("stylize", PICTURE | {"style_map": "m", "target_map": "n"}, {}, "With semantic maps, 2 styles, 0 masks and 0 style_masks"),
    (
        "upscale",
        {"image": "photo"},
        {"factor": 2, "method": "learned"},
        "'method: learned' needs 'network', and none is given.",
    ),
    ("levels", {"image": "photo"}, {"method": {"kind": "match"}}, "'method: {kind: match}' needs 'reference'"),
    ("levels", {"image": "photo", "reference": "b"}, {}, "'reference' has no effect with"),
    ("levels", {"image": "photo", "reference_mask": "b"}, {}, "'reference_mask' has no effect with"),
    ("train_style", {"pictures": ["folder"], "styles": [], "extractor": "vgg"}, {}, "No style was given."),
    ("train_texture", {"texture": "t", "extractor": "vgg"}, {"side": 100}, "'side' is 100; with"),
    ("train_texture", {"texture": "t", "extractor": "vgg"}, {"diversity": 1, "batch": 1}, "'diversity' compares the textures"),
    (
        "train_texture",
        {"texture": "t", "extractor": "vgg"},
        {"losses": ({"kind": "content"},)},
        "The loss 'content' compares with the content, and none is given.",
    ),
    ("distill", {"pictures": ["folder"], "teachers": ["t"]}, {"widths": ((4,), (4, 4))}, "The student has no layer 'relu"),
]
ACCEPTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("stylize", PICTURE | {"masks": ["m", "n"], "style_masks": ["o", "p"]}, {"style_weights": (1, 2)}),
    ("stylize", PICTURE | {"content": None, "init": "photo"}, {"losses": (GRAM,)}),
    ("stylize", PICTURE | {"styles": ["a"], "style_map": "m", "target_map": "n"}, {}),
    ("upscale", {"image": "photo", "network": "n"}, {"factor": 2, "method": "learned"}),
    ("upscale", {"image": "photo"}, {"factor": 2, "method": "bicubic"}),
    ("levels", {"image": "photo", "reference": "b"}, {"method": {"kind": "match"}}),
    ("train_style", {"pictures": ["folder"], "styles": ["a"], "extractor": "vgg"}, {}),
    ("train_texture", {"texture": "t", "extractor": "vgg"}, {"diversity": 1, "batch": 2}),
    ("distill", {"pictures": ["folder"], "teachers": ["t"]}, {}),
]


def _stage(name: str) -> Stage:
    return getattr(import_module(stage_modules()[name]), name)


def _check(name: str, bound: dict[str, Any], params: dict[str, Any]) -> None:
    stage = _stage(name)
    stage.check_counts({key: value for key, value in bound.items() if value is not None}, stage.params(**params))


@pytest.mark.parametrize(
    ("name", "bound", "params", "message"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_does_not_go_together(name, bound, params, message):
    with pytest.raises(StageError) as caught:
        _check(name, bound, params)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


@pytest.mark.parametrize(("name", "bound", "params"), ACCEPTED)
def test_what_goes_together(name, bound, params):
    _check(name, bound, params)


def test_every_stage_with_a_check_is_here():
    ours = [name for name, module in stage_modules().items() if module.startswith("stages.")]
    checked = {name for name in ours if _stage(name).check is not unchecked}
    assert checked == {row[0] for row in REFUSED} == {row[0] for row in ACCEPTED}

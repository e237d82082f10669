"""The memory that each stage estimates, beside what a process of its own takes for it on a picture of some megapixels."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from stylepipe.plugins import find_stage, stage_modules

MEASURE = Path(__file__).with_name("measure_stage.py")

PHOTO = {"size": [2000, 3000]}
SMALL = {"size": [1000, 1500]}
CUT_OUT = {**PHOTO, "alpha": True}
SMALL_CUT_OUT = {**SMALL, "alpha": True}
MASK, SMALL_MASK = {"mask": [2000, 3000]}, {"mask": [1000, 1500]}
VGG = {"network": "vgg", "widths": [[16], [40], [96]]}
UPSCALER = {"network": "upscaler", "blocks": 1, "channels": 8}

GRAM = {"kind": "gram", "layers": {"relu1_1": 1, "relu2_1": 1}}
SCALE = {"size": 800, "iterations": 1, "losses": [GRAM, {"kind": "content", "layers": {"relu3_1": 1}}]}
VIEW = {"size": [600, 800]}
STYLIZED = {"content": VIEW, "styles": [VIEW], "extractor": VGG}
DOODLE = {"labels": 6, **VIEW}

UNMEASURED = {"distill", "train_style", "train_texture", "train_upscaler"}
"""Trainings: most of their memory is what the compiler takes for networks of usual depth, which is minutes of work."""

Case = tuple[str, dict[str, Any], dict[str, Any]]
"""A stage, its parameters, and its inputs as `measure_stage` has them."""

CASES: dict[str, Case] = {
    "blend": ("blend", {}, {"image": PHOTO, "over": SMALL}),
    "coherence_filter": ("coherence_filter", {"iterations": 1}, {"image": SMALL}),
    "blend, cut out": ("blend", {"mode": "soft_light"}, {"image": CUT_OUT, "over": SMALL_CUT_OUT, "mask": SMALL_MASK}),
    **{
        f"color_transfer, {kind}": ("color_transfer", {"method": {"kind": kind}}, {"image": PHOTO, "colors": PHOTO})
        for kind in ("luminance", "histogram", "mean_std", "linear", "guided")
    },
    "color_transfer to a small one": ("color_transfer", {"method": {"kind": "linear"}}, {"image": SMALL, "colors": PHOTO}),
    "color_transfer, cut out": ("color_transfer", {}, {"image": CUT_OUT, "colors": SMALL_CUT_OUT, "mask": MASK}),
    **{
        f"denoise, {method['kind']}": ("denoise", {"method": method}, {"image": PHOTO})
        for method in (
            {"kind": "total_variation", "iterations": 2},
            {"kind": "bilateral", "radius": 1},
            {"kind": "non_local_means", "search_radius": 1, "patch_radius": 1},
            {"kind": "median", "size": 3},
        )
    },
    "feedforward": (
        "feedforward",
        {},
        {"image": SMALL, "network": {"network": "transformation", "channels": 16, "blocks": 1, "styles": 1}},
    ),
    "feedforward, in tiles": (
        "feedforward",
        {},
        {"image": PHOTO, "network": {"network": "transformation", "channels": 8, "blocks": 1, "styles": 1}},
    ),
    "generate_texture": (
        "generate_texture",
        {"width": 1536, "height": 1536},
        {"network": {"network": "texture", "sizes": 3, "channels": 4}},
    ),
    "levels, percentiles": ("levels", {}, {"image": PHOTO}),
    "levels, match": ("levels", {"method": {"kind": "match"}}, {"image": PHOTO, "reference": SMALL}),
    **{
        f"mask_transfer, {kind}": (
            "mask_transfer",
            {"method": {"kind": kind}},
            {"image": PHOTO, "background": PHOTO, "mask": SMALL_MASK},
        )
        for kind in ("hard", "feathered")
    },
    "mask_transfer, poisson": (
        "mask_transfer",
        {"method": {"kind": "poisson"}},
        {"image": SMALL_CUT_OUT, "background": SMALL_CUT_OUT, "mask": SMALL_MASK},
    ),
    "resize": ("resize", {"long_side": 1500}, {"image": {"size": [3000, 4000]}}),
    "resize, cut out": ("resize", {"long_side": 3000, "linear_light": True}, {"image": SMALL_CUT_OUT}),
    "resize, cropped": ("resize", {"width": 2000, "height": 2000, "fit": "crop"}, {"image": PHOTO}),
    "sharpen": ("sharpen", {}, {"image": PHOTO}),
    "sharpen, cut out": ("sharpen", {}, {"image": CUT_OUT}),
    "stylize": ("stylize", SCALE, STYLIZED),
    "stylize, cut out": (
        "stylize",
        SCALE,
        {**STYLIZED, "content": {**VIEW, "alpha": True}, "styles": [{**VIEW, "alpha": True}]},
    ),
    "stylize, semantic maps": ("stylize", SCALE, {**STYLIZED, "style_map": DOODLE, "target_map": DOODLE}),
    "upscale": ("upscale", {"factor": 2}, {"image": SMALL_CUT_OUT}),
    "upscale, learned": ("upscale", {"factor": 2}, {"image": {"size": [600, 800]}, "network": UPSCALER}),
}


@pytest.mark.parametrize("name", sorted(stage_modules().keys() - UNMEASURED))
def test_every_stage_has_a_case_for_each_kind_of_its_parts(name):
    methods = [params.get("method", {}) for stage, params, _ in CASES.values() if stage == name]
    assert methods, f"measure the memory of '{name}' here"
    field = find_stage(name).params.model_fields.get("method")
    if field is not None and field.discriminator:
        kinds = {model.model_fields["kind"].default for model in get_args(field.annotation)}
        assert kinds == {method.get("kind", field.get_default().kind) for method in methods}


@pytest.mark.slow  # a process for each case
@pytest.mark.skipif(sys.platform != "linux", reason="Linux says what a process took at its most")
@pytest.mark.parametrize("case", CASES)
def test_a_stage_takes_what_it_estimates(case):
    stage, params, inputs = CASES[case]
    described = json.dumps({"stage": stage, "params": params, "inputs": inputs})
    measured = subprocess.run([sys.executable, MEASURE, described], capture_output=True, text=True, check=False)
    assert measured.returncode == 0, measured.stderr
    said = json.loads(measured.stdout)
    assert said["taken"] * 2 / 3 <= said["estimated"] <= said["taken"] * 2, said

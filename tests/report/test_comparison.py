"""What sets two runs apart, and their pictures in one."""

import numpy as np
import pytest
from PIL import Image as Pillow

from stylepipe.report.comparison import Change, compare_runs
from stylepipe.report.side_by_side import LINE, MARGIN, side_by_side

from .conftest import ENVIRONMENT, image_input, losses, stage


def test_equal_runs_differ_in_nothing(finished):
    found = compare_runs(finished, finished)
    assert (found.params, found.inputs, found.versions, found.stages, found.outputs) == ([], [], [], [], [])
    assert found.same_stages == 2


def test_all_that_differs_is_named(write_run, tmp_path):
    one = write_run(
        [{"event": "stage started", "stage": "painted"}, *losses("painted", [4.0, 2.0])],
        inputs={"content": image_input()},
        stages={
            "painted": stage(params={"size": 64, "loss": {"weight": 1.0}}),
            "shared": stage(),
            "unsteady": stage(),
            "old": stage(),
        },
    )
    one = one.rename(tmp_path / "one")
    other = write_run(
        [{"event": "stage started", "stage": "painted"}, *losses("painted", [4.0, 2.5])],
        seed=8,
        params={"size": 32},
        environment={**ENVIRONMENT, "jax": "0.12.0"},
        inputs={"content": {**image_input(), "sha256": "d" * 64}},
        stages={
            "painted": stage(params={"size": 32, "loss": {"weight": 1.0}}, key="d" * 64, output="e" * 64),
            "shared": stage(cached=True),
            "unsteady": stage(output="e" * 64),
        },
    )
    found = compare_runs(one, other)
    assert found.params == [Change("seed", 7, 8), Change("size", 64, 32)]
    assert found.inputs == [Change("content", "c" * 64, "d" * 64)]
    assert found.versions == [Change("jax", "0.10.2", "0.12.0")]
    painted, unsteady, old = found.stages
    assert (painted.name, painted.same_key, painted.same_result, painted.losses) == ("painted", False, False, (2.0, 2.5))
    assert painted.reasons == ["size: 64 → 32"]
    assert (unsteady.name, unsteady.same_key, unsteady.same_result, unsteady.losses) == ("unsteady", True, False, (None, None))
    assert (old.name, old.reasons) == ("old", ["only the first run has it"])
    assert found.same_stages == 1


@pytest.mark.parametrize("clear", [False, True])
def test_pictures_stand_side_by_side_in_their_own_sizes(tmp_path, clear):
    color = (255, 0, 0, 0 if clear else 255)
    Pillow.new("RGBA", (30, 20), color).save(tmp_path / "a.png")
    Pillow.new("RGB", (50, 40), (0, 0, 255)).save(tmp_path / "b.png")
    drawn = np.asarray(side_by_side([(tmp_path / "a.png", tmp_path / "b.png")], [("a", "b")]))
    assert drawn.shape == (40 + LINE + 2 * MARGIN, 2 * 50 + 3 * MARGIN, 3)
    top, right = MARGIN + LINE, 2 * MARGIN + 50
    assert (drawn[top : top + 20, MARGIN : MARGIN + 30] == ([255, 255, 255] if clear else [255, 0, 0])).all()
    assert (drawn[top : top + 40, right : right + 50] == [0, 0, 255]).all()

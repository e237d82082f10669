"""Contact sheets: what stands where, and that it is drawn there."""

import numpy as np
import pytest
from PIL import Image as Pillow

from stylepipe.engine.runs.records import Failure, OutputRecord
from stylepipe.engine.sweeps.contact_sheet import arrange, draw, write_sheets
from stylepipe.engine.sweeps.results import SweepResults, VariantResult


def variant(folder, *, color=(255, 0, 0), size=(60, 40), error: str = "", mode: str = "RGB", **params) -> VariantResult:
    name = "_".join(f"{key}={value}" for key, value in params.items()).replace("/", "_")
    if not error:
        Pillow.new(mode, size, color).save(folder / f"{name}.png")
    outputs = {} if error else {"result": OutputRecord(stage="s", digest="d", file=f"{name}.png")}
    return VariantResult(
        name=name,
        status="failed" if error else "done",
        params=params,
        losses={},
        seconds=1,
        stages={},
        outputs=outputs,
        error=Failure(stage="s", message=error, hint=None) if error else None,
    )


def results(*variants: VariantResult, **axes) -> SweepResults:
    return SweepResults(id="1", recipe="trial", axes=axes, outputs=("result",), variants=variants)


def labels(sheet) -> dict[tuple[int, int], str]:
    return {place: tile.label or tile.file for place, tile in sheet.tiles.items()}


def test_the_last_param_goes_over_the_columns_and_the_one_before_over_the_rows(tmp_path):
    found = results(*[variant(tmp_path, a=a, b=b) for a in (5, 6) for b in (7, 8, 9)], a=(5, 6), b=(7, 8, 9))
    [(parts, sheet)] = arrange(found, "result")
    assert parts == ()
    assert (sheet.title, sheet.rows, sheet.columns) == ("trial", ("a=5", "a=6"), ("b=7", "b=8", "b=9"))
    assert labels(sheet) == {(row, column): f"a={5 + row}_b={7 + column}.png" for row in range(2) for column in range(3)}


def test_further_params_have_a_sheet_for_each_value(tmp_path):
    variants = [variant(tmp_path, c=c, one=1, a=a, b=b) for c in ("x/u.png", "v") for a in (1, 2) for b in (3, 4)]
    found = results(*variants, c=("x/u.png", "v"), one=(1,), a=(1, 2), b=(3, 4))
    sheets = list(arrange(found, "result"))
    assert [parts for parts, _ in sheets] == [("c=u.png",), ("c=v",)]
    assert [sheet.title for _, sheet in sheets] == ["trial  c=u.png", "trial  c=v"]
    assert [len(sheet.tiles) for _, sheet in sheets] == [4, 4]


def test_one_param_and_scattered_variants_stand_one_after_the_other_by_name(tmp_path):
    [(_, sheet)] = arrange(results(*[variant(tmp_path, a=a) for a in range(5)], a=tuple(range(5))), "result")
    assert labels(sheet) == {(at // 3, at % 3): f"a={at}" for at in range(5)}
    scattered = results(*[variant(tmp_path, a=a, b=a) for a in range(4)], a=tuple(range(4)), b=tuple(range(4)))
    [(_, sheet)] = arrange(scattered, "result")
    assert sheet.rows == ()
    assert labels(sheet) == {(at // 2, at % 2): f"a={at}_b={at}" for at in range(4)}


def test_a_table_with_some_places_empty_stays_a_table(tmp_path):
    pairs = [(1, 3), (1, 4), (2, 4)]
    [(_, sheet)] = arrange(results(*[variant(tmp_path, a=a, b=b) for a, b in pairs], a=(1, 2), b=(3, 4)), "result")
    assert set(sheet.tiles) == {(0, 0), (0, 1), (1, 1)}


def test_pictures_are_drawn_where_they_belong_and_errors_in_place_of_missing_ones(tmp_path):
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    variants = [
        variant(tmp_path, a=1, b=1, color=red),
        variant(tmp_path, a=1, b=2, color=green),
        variant(tmp_path, a=2, b=1, color=blue, size=(40, 60)),
        variant(tmp_path, a=2, b=2, error="The stage failed for a reason that is told in many words."),
    ]
    [(_, sheet)] = arrange(results(*variants, a=(1, 2), b=(1, 2)), "result")
    pixels = np.asarray(draw(sheet, tmp_path)).astype(int)
    centers = {}
    for name, color in (("red", red), ("green", green), ("blue", blue)):
        rows, columns = np.nonzero((pixels == color).all(axis=2))
        assert len(rows) == 60 * 40
        centers[name] = rows.mean(), columns.mean()
    assert centers["red"][0] == centers["green"][0] < centers["blue"][0]
    assert centers["red"][1] == centers["blue"][1] < centers["green"][1]
    blank = (pixels == 0xEC).all(axis=2)
    below = pixels[int(centers["blue"][0]) - 20 :, int(centers["green"][1]) - 60 :]
    assert blank.sum() > 3000
    assert ((below[..., 0] > 120) & (below[..., 1] < 90)).sum() > 50  # red letters


def test_large_pictures_are_scaled_down_and_transparent_ones_lie_on_paper(tmp_path):
    found = results(
        variant(tmp_path, a=1, size=(3000, 1500)),
        variant(tmp_path, a=2, mode="RGBA", color=(0, 0, 0, 0)),
        variant(tmp_path, a=3, mode="L", color=100),
        a=(1, 2, 3),
    )
    assert write_sheets(found, tmp_path) == ("00-contact-sheet.png",)
    with Pillow.open(tmp_path / "00-contact-sheet.png") as sheet:
        assert sheet.mode == "RGB"
        assert sheet.width < 700
        pixels = np.asarray(sheet)
    red = np.nonzero((pixels == (255, 0, 0)).all(axis=2))
    assert (np.ptp(red[0]) + 1, np.ptp(red[1]) + 1) == (160, 320)
    assert (pixels == 100).all(axis=2).sum() == 60 * 40


@pytest.mark.parametrize("damage", ["damaged", "missing", "memory"])
def test_pictures_that_cannot_be_drawn_are_words(tmp_path, monkeypatch, damage):
    found = results(variant(tmp_path, a=1), variant(tmp_path, a=2, size=(300, 200)), a=(1, 2))
    if damage == "memory":
        monkeypatch.setattr("stylepipe.hardware.memory_limits.available", lambda: 100_000)
    elif damage == "damaged":
        (tmp_path / "a=2.png").write_bytes(b"no picture")
    else:
        (tmp_path / "a=2.png").unlink()
    assert write_sheets(found, tmp_path) == ("00-contact-sheet.png",)
    with Pillow.open(tmp_path / "00-contact-sheet.png") as sheet:
        pixels = np.asarray(sheet)
    assert (pixels == (255, 0, 0)).all(axis=2).sum() == 60 * 40
    assert (pixels == 0xEC).all(axis=2).sum() > 1000


def test_a_sheet_without_any_picture_is_not_written(tmp_path):
    assert (
        write_sheets(results(variant(tmp_path, a=1, error="no"), variant(tmp_path, a=2, error="no"), a=(1, 2)), tmp_path) == ()
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 40])
def test_a_sheet_is_at_most_4096_pixels_wide(tmp_path, count):
    variants = [variant(tmp_path, a=a, b=b, size=(400, 400)) for a in (1, 2) for b in range(count)]
    [(_, sheet)] = arrange(results(*variants, a=(1, 2), b=tuple(range(count))), "result")
    assert draw(sheet, tmp_path).width <= 4096

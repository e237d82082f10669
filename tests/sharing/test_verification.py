"""What is exact, what is near enough, and what is different."""

from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Image
from stylepipe.engine.runs.records import OutputRecord
from stylepipe.image.files.io import write_image
from stylepipe.sharing.verification import changes, compare

MADE = OutputRecord(stage="s", digest="b" * 64, file="made.png")


def written(folder: Path, name: str, levels: np.ndarray, alpha: np.ndarray | None = None) -> Path:
    """A picture of these levels of 255, the same in all channels."""
    pixels = np.stack([levels / 255] * 3, -1).astype(np.float32)
    write_image(Image(pixels, None if alpha is None else alpha.astype(np.float32)), folder / name)
    return folder / name


@pytest.mark.parametrize(
    ("digest", "off_by", "verdict", "psnr"),
    [
        ("b", 0, "exact", np.inf),
        ("a", 0, "within tolerance", np.inf),  # the results differ by less than a picture holds
        ("a", 2, "within tolerance", 20 * np.log10(255 / 2)),
        ("a", 3, "different", 20 * np.log10(255 / 3)),
        ("b", 3, "different", 20 * np.log10(255 / 3)),  # somebody has painted over the picture
    ],
)
def test_digests_say_what_is_exact_and_the_psnr_what_is_near(tmp_path, digest, off_by, verdict, psnr):
    one = written(tmp_path, "one.png", np.full((4, 5), 100))
    other = written(tmp_path, "made.png", np.full((4, 5), 100 + off_by))
    found = compare(digest * 64, one, MADE, other)
    assert found.verdict == verdict
    assert found.psnr == pytest.approx(psnr, rel=1e-5)


def test_pictures_of_another_size_or_transparency_are_different(tmp_path):
    gray = np.full((4, 4), 100)
    one = written(tmp_path, "one.png", gray)
    clear = written(tmp_path, "clear.png", gray, alpha=np.full((4, 4), 0.2))
    clearer = written(tmp_path, "clearer.png", gray, alpha=np.full((4, 4), 0.4))
    assert compare("a" * 64, one, MADE, written(tmp_path, "small.png", gray[:2])).verdict == "different"
    assert compare("a" * 64, one, MADE, clear).psnr is None
    assert compare("a" * 64, clear, MADE, clearer).psnr == pytest.approx(20 * np.log10(5), rel=1e-3)


def test_where_there_is_no_picture_only_the_digests_count(tmp_path):
    weights = tmp_path / "made.safetensors"
    assert compare("b" * 64, None, MADE, weights).verdict == "exact"
    assert compare("a" * 64, None, MADE, weights).verdict == "different"


def test_what_changed_is_named():
    here = {"jax": "0.12", "threads": 2}
    assert changes([{"jax": "0.12", "threads": 2}], here) == {}
    assert changes([{"jax": "0.12", "threads": 2}, {"jax": "0.10"}], here) == {"jax": ("0.10", "0.12"), "threads": (None, 2)}

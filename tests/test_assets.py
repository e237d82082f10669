"""The recipes' own pictures: what is shipped, and that the script beside it still paints it."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[1] / "recipes" / "assets"
NAMES = ("city", "doodles", "ember", "lighthouse", "masks", "noise", "pebbles", "picture", "raster", "street", "swirls")
SHIPPED = {
    "ancient_city.jpg": ("RGB", (1920, 1080)),
    "ancient_city_mask.png": ("L", (1920, 1080)),
    "blue_swirls.jpg": ("RGB", (1200, 800)),
    "ember_strokes.jpg": ("RGB", (1000, 750)),
    "lighthouse.jpg": ("RGB", (900, 1200)),
    "halves_mask.png": ("L", (900, 1200)),
    "halves_mask_inverse.png": ("L", (900, 1200)),
    "pebbles.png": ("RGB", (512, 512)),
    "lighthouse_map.png": ("RGB", (900, 1200)),
    "lighthouse_mask.png": ("L", (900, 1200)),
    "doodle_map.png": ("RGB", (1024, 768)),
}


@pytest.fixture(scope="module")
def workshop() -> Iterator[SimpleNamespace]:
    """The modules of recipes/assets/painting, which is on no path but the script's own."""
    sys.path.insert(0, str(FOLDER))
    yield SimpleNamespace(**{name: importlib.import_module(f"painting.{name}") for name in NAMES})
    sys.path.remove(str(FOLDER))


def shipped(name: str, size: tuple[int, int] | None = None) -> np.ndarray:
    """A shipped picture, 0 … 1, reduced to `size` (width, height)."""
    with Image.open(FOLDER / name) as picture:
        reduced = picture.resize(size, Image.Resampling.BOX) if size else picture
        return np.asarray(reduced, np.float32) / 255


@pytest.mark.parametrize("name", SHIPPED)
def test_every_picture_is_there_in_its_size(name: str) -> None:
    with Image.open(FOLDER / name) as picture:
        assert (picture.mode, picture.size) == SHIPPED[name]


def test_all_together_they_stay_small() -> None:
    assert sum((FOLDER / name).stat().st_size for name in SHIPPED) < 6e6


def test_the_city_mask_is_nearly_binary_and_has_both_regions() -> None:
    mask = shipped("ancient_city_mask.png")
    assert ((mask == 0) | (mask == 1)).mean() > 0.97
    assert 0.2 < (mask == 0).mean() < 0.5


def test_the_city_mask_keeps_the_pillar_and_the_blue_of_the_sky() -> None:
    mask, picture = shipped("ancient_city_mask.png"), shipped("ancient_city.jpg")
    assert (mask[:, 150:230] == 0).all(), "the pillar runs from the top to the bottom"
    blue = (picture[:300, 500:1000, 2] > picture[:300, 500:1000, 0] + 0.25) & (picture[:300, 500:1000, 2] > 0.6)
    assert blue.mean() > 0.1
    assert (mask[:300, 500:1000][blue] == 0).mean() > 0.97
    assert (mask[850:, 400:] == 1).all(), "the street is stylized"


@pytest.mark.slow
def test_the_city_mask_is_that_of_the_scene(workshop: SimpleNamespace) -> None:
    scene, _ = workshop.street.street(np.random.default_rng(7))
    triangle = workshop.raster.look(scene.mesh, workshop.city.CAMERA, (270, 480))
    part = np.where(triangle >= 0, scene.part[triangle], -1)
    differing = np.abs(shipped("ancient_city_mask.png", (480, 270)) - (1 - workshop.city.kept(part, scene)))
    assert (differing > 0.6).mean() < 0.005, "only pixels on the borders may fall to the other side"


@pytest.mark.parametrize(("name", "order"), [("blue_swirls.jpg", (2, 1, 0)), ("ember_strokes.jpg", (0, 1, 2))])
def test_one_style_is_cold_and_the_other_warm(name: str, order: tuple[int, int, int]) -> None:
    strong, middle, weak = (shipped(name)[..., channel] for channel in order)
    assert strong.mean() > middle.mean() > weak.mean()
    assert ((strong >= middle - 0.02) & (strong >= weak - 0.02)).mean() > 0.8


def test_the_pebbles_continue_over_their_edges() -> None:
    pebbles = shipped("pebbles.png")
    for axis in (0, 1):
        inside = np.abs(np.diff(pebbles, axis=axis)).mean((1 - axis, 2))
        over = np.abs(np.take(pebbles, 0, axis) - np.take(pebbles, -1, axis)).mean()
        assert over < inside.max(), "the seam is no stronger than lines inside"


def test_the_two_halves_share_every_pixel() -> None:
    left, right = shipped("halves_mask.png"), shipped("halves_mask_inverse.png")
    np.testing.assert_allclose(left + right, 1, atol=1.01 / 255)
    assert (left[:, 0] == 1).all()
    assert (left[:, -1] == 0).all()
    assert (np.diff(left, axis=1) <= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file"), [("style_map", "lighthouse_map.png"), ("target_map", "doodle_map.png")])
def test_the_maps_are_flat_and_what_the_script_draws(workshop: SimpleNamespace, name: str, file: str) -> None:
    drawn, whole = getattr(workshop.doodles, name)(0.25), shipped(file)
    np.testing.assert_allclose(np.unique(whole.reshape(-1, 3), axis=0), np.unique(drawn.reshape(-1, 3), axis=0), atol=1e-6)
    differing = np.abs(shipped(file, drawn.shape[1::-1]) - drawn).max(-1)
    assert (differing > 0.3).mean() < 0.01, "only pixels on the borders may fall to the other side"


def test_the_silhouette_is_the_rock_and_the_buildings_of_the_map() -> None:
    labels, mask = shipped("lighthouse_map.png"), shipped("lighthouse_mask.png")
    assert 0.2 < mask.mean() < 0.6
    np.testing.assert_array_equal(mask, labels[..., 0] > labels[..., 2], "their colors are the warm ones")


def test_the_lighthouse_is_where_its_map_says() -> None:
    labels, picture = shipped("lighthouse_map.png", (90, 120)), shipped("lighthouse.jpg", (90, 120))
    sky, sea, rock, building = (
        np.abs(labels - color).max(-1) < 0.01
        for color in np.array([(0.6, 0.8, 1), (0, 0.2, 0.6), (0.6, 0.4, 0.2), (0.8, 0, 0)])
    )
    warmth = picture[..., 0] - picture[..., 2]
    assert picture[sky].mean() > picture[building].mean() > picture[rock].mean()
    assert warmth[rock].mean() > 0.1 > 0 > warmth[sea].mean()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file", "scale"),
    [
        ("swirls", "blue_swirls.jpg", 0.1),
        ("ember", "ember_strokes.jpg", 0.1),
        ("lighthouse", "lighthouse.jpg", 0.06),
        ("pebbles", "pebbles.png", 0.25),
    ],
)
def test_the_script_paints_what_is_shipped_and_twice_the_same(
    workshop: SimpleNamespace, name: str, file: str, scale: float
) -> None:
    painter: ModuleType = getattr(workshop, name)
    first, second = painter.paint(scale), painter.paint(scale)
    np.testing.assert_array_equal(first, second)
    height, width = first.shape[:2]
    large = shipped(file, (width, height))
    alike = np.corrcoef(first.mean(-1).ravel(), large.mean(-1).ravel())[0, 1]
    assert alike > 0.8
    assert np.abs(first.mean((0, 1)) - large.mean((0, 1))).max() < 0.06


def test_only_what_hangs_together_with_the_start_stays(workshop: SimpleNamespace) -> None:
    mask = np.array([[1, 1, 0, 1], [0, 1, 0, 0], [1, 1, 0, 1], [1, 0, 1, 1]], bool)
    start = np.zeros_like(mask)
    start[0, :2] = True
    np.testing.assert_array_equal(
        workshop.masks.hanging_together(mask, start), [[1, 1, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]]
    )


def test_the_nearest_triangle_wins_where_two_overlap(workshop: SimpleNamespace) -> None:
    corners = np.array([[(0, 0), (8, 0), (0, 8)], [(0, 0), (4, 0), (0, 4)]], float)
    nearness = np.array([[1.0, 1, 1], [2, 2, 2]])
    winner, best = workshop.raster.rasterize(corners, nearness, (8, 8))
    y, x = np.indices((8, 8)) + 0.5
    np.testing.assert_array_equal(winner, np.where(x + y <= 4, 1, np.where(x + y <= 8, 0, -1)))
    np.testing.assert_array_equal(best, np.where(x + y <= 4, 2, np.where(x + y <= 8, 1, -np.inf)))


def test_noise_has_mean_0_and_deviation_1_and_tiles(workshop: SimpleNamespace) -> None:
    sheet = workshop.noise.sheet(np.random.default_rng(0), 64)
    assert abs(sheet.mean()) < 1e-5
    assert abs(sheet.std() - 1) < 1e-5
    u, v = np.random.default_rng(1).uniform(0, 1, (2, 50))
    np.testing.assert_allclose(workshop.noise.sample(sheet, u, v), workshop.noise.sample(sheet, u + 3, v - 2), atol=1e-4)
    np.testing.assert_allclose(workshop.noise.sample(sheet, np.array([5 / 64]), np.array([9 / 64])), sheet[9, 5], atol=1e-5)


def test_blurring_keeps_the_sum_of_a_point_and_spreads_it_as_asked(workshop: SimpleNamespace) -> None:
    point = np.zeros((81, 81), np.float32)
    point[40, 40] = 1
    spread = workshop.picture.blurred(point, 4)
    offset = np.arange(81) - 40
    assert abs(spread.sum() - 1) < 1e-5
    assert abs((spread.sum(0) * offset**2).sum() - 3 * (9**2 - 1) / 12) < 1e-3, "three boxes of nine pixels"

"""Random crops: where they come from, in which shares, and that a key gives the same ones again."""

import jax
import numpy as np
import pytest

from stylepipe.artifacts import Folder, Image
from stylepipe.errors import ChangedInput, InputError, StageError
from stylepipe.neural.training.crops import center_crops, crops_of, in_groups
from stylepipe.neural.training.picture_folders import PictureCache
from stylepipe.transparency import without_hidden


def folder(*pictures: np.ndarray) -> Folder:
    named = {f"{number}.png": Image(np.float32(picture)) for number, picture in enumerate(pictures)}
    return Folder(tuple(named), named.__getitem__)


def gray(level: int, height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), level / 255)


def test_folders_and_pictures_count_alike():
    crops = crops_of([folder(gray(10, 8, 8), gray(20, 90, 90)), folder(gray(30, 9, 9))], side=8, longest=90, halvings=0)
    drawn = crops.draw(jax.random.key(0), count=4000, side=8)
    assert drawn.shape == (4000, 8, 8, 3)
    levels = np.rint(drawn[:, 0, 0, 0] * 255)
    assert [np.mean(levels == level) for level in (10, 20, 30)] == pytest.approx([0.25, 0.25, 0.5], abs=0.03)


def test_pictures_are_cut_whole_shrunk_and_halved():
    crops = crops_of([folder(gray(5, 40, 100))], side=10, longest=50, halvings=3)
    assert [picture.shape[:2] for picture in crops.pictures] == [(20, 50), (10, 25)]
    np.testing.assert_allclose(crops.shares, [0.5, 0.5])
    assert np.unique(crops.pictures[1]) == [5]


def test_crops_are_cut_everywhere_and_mirrored():
    ramp = np.zeros((9, 12, 3))
    ramp[..., 0], ramp[..., 1] = np.arange(9)[:, None] / 255, np.arange(12) / 255
    drawn = np.rint(crops_of([folder(ramp)], side=8, longest=12, halvings=0).draw(jax.random.key(1), count=200, side=8) * 255)
    np.testing.assert_array_equal(drawn[:, :, 0, 0] - drawn[:, :1, 0, 0], np.tile(np.arange(8), (200, 1)))
    assert set(drawn[:, 0, 0, 0]) == {0, 1}
    forward = drawn[:, 0, 1, 1] > drawn[:, 0, 0, 1]
    assert 60 < forward.sum() < 140
    assert set(drawn[forward][:, 0, 0, 1]) == set(range(5))


def test_the_same_key_gives_the_same_crops():
    crops = crops_of([folder(np.random.default_rng(0).random((30, 30, 3)))], side=8, longest=30, halvings=1)
    first, again, other = (crops.draw(jax.random.key(seed), count=5, side=8) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_too_small_pictures_are_left_out_or_refused():
    small, large = gray(1, 7, 30), gray(2, 8, 8)
    assert len(crops_of([folder(small, large)], side=8, longest=30, halvings=0).pictures) == 1
    with pytest.raises(StageError) as caught:
        crops_of([folder(large), folder(small)], side=8, longest=30, halvings=0)
    assert (
        caught.value.message
        == "Folder 2 of 2 has no picture of at least 8×8 pixels, once brought to a long side of at most 30."
    )


def test_crops_are_of_at_least_one_folder():
    with pytest.raises(StageError, match="No folder of pictures was given"):
        crops_of([], side=8, longest=30, halvings=0)


def test_the_middle_of_pictures():
    picture = np.random.default_rng(0).random((9, 12, 3))
    found = center_crops(folder(picture, gray(1, 7, 30)), 8)
    np.testing.assert_allclose(found, picture[None, 0:8, 2:10], rtol=1e-6)
    with pytest.raises(StageError, match=r"no picture of at least 10×10 pixels"):
        center_crops(folder(picture), 10)


def test_groups_hold_all_crops_in_their_order():
    crops = np.random.default_rng(0).random((5, 2, 2, 3))
    groups = in_groups(crops, 2)
    assert [len(group) for group in groups] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(groups), crops)


def test_hidden_colors_are_in_no_crop():
    """As the stage contract hands folders out, filled; and what shrinking makes transparent is filled again."""
    draw = np.random.default_rng(0)
    pixels, alpha = draw.random((60, 50, 3), np.float32), draw.uniform(-1, 1, (60, 50)).clip(0, 1).astype(np.float32)

    def drawn(hidden):
        image = without_hidden(Image(np.where(alpha[..., None] > 0, pixels, hidden), alpha))
        crops = crops_of([Folder(("a.png",), lambda name: image)], side=12, longest=40, halvings=1)
        return crops.draw(jax.random.key(0), count=9, side=12)

    np.testing.assert_array_equal(drawn(np.float32(0)), drawn(draw.random(pixels.shape, np.float32)))


def test_shrinking_counts_colors_by_their_alpha():
    stripes = np.zeros((32, 32, 3), np.float32)
    stripes[::2] = 0.8
    image = Image(stripes, np.float32(stripes[..., 0] > 0))
    pictures = crops_of([Folder(("a.png",), lambda name: image)], side=8, longest=8, halvings=0).pictures
    np.testing.assert_allclose(pictures[0], 0.8 * 255, atol=2)


# --- what is read, and what cannot be ---------------------------------------------------------------------------------


class Files:
    """A folder of gray pictures, each of a level of its own, that counts what is read; `damaged` ones only have a header."""

    def __init__(self, count: int, *, damaged: tuple[int, ...] = (), side: int = 20) -> None:
        self.reads: list[int] = []
        self._damaged, self._side = damaged, side
        self.folder = Folder(tuple(map(str, range(count))), self._read, self._outline)

    def _outline(self, name: str) -> Image:
        return Image(np.broadcast_to(np.float32(0), (self._side, self._side, 3)))

    def _read(self, name: str) -> Image:
        self.reads.append(int(name))
        if int(name) in self._damaged:
            raise InputError(f"'{name}.jpg' is damaged.")
        return Image(np.full((self._side, self._side, 3), int(name) / 255, np.float32))


def levels(crops: np.ndarray) -> list[int]:
    return np.rint(crops[:, 0, 0, 0] * 255).astype(int).tolist()


def test_only_headers_are_read_before_crops_are_drawn():
    files = Files(50)
    crops = crops_of([files.folder], side=8, longest=20, halvings=1)
    assert files.reads == []
    drawn = levels(crops.draw(jax.random.key(0), count=5, side=8))
    assert set(drawn) == set(files.reads)
    assert levels(crops.draw(jax.random.key(0), count=5, side=8)) == drawn
    assert len(files.reads) == len(set(files.reads))


def test_pictures_in_memory_are_bounded_and_read_again():
    files = Files(20)
    pictures = PictureCache([files.folder], longest=20, max_bytes=3 * 20 * 20 * 3)
    for name in files.folder.names:
        pictures.add(1, name, 1)
    for number in (0, 1, 2, 0, 3, 0, 1):
        picture = pictures[number]
        assert picture is not None
        assert np.unique(picture).tolist() == [number]
    assert files.reads == [0, 1, 2, 3, 1]


def test_damaged_pictures_are_left_out_with_one_note_each():
    files, notes = Files(6, damaged=(1, 4)), []
    crops = crops_of([files.folder], side=8, longest=20, halvings=1, note=notes.append)
    drawn = [level for seed in range(20) for level in levels(crops.draw(jax.random.key(seed), count=10, side=8))]
    assert set(drawn) == {0, 2, 3, 5}
    assert sorted(notes) == ["'1.jpg' is damaged. It is left out.", "'4.jpg' is damaged. It is left out."]


def test_what_is_drawn_does_not_depend_on_what_was_drawn_before():
    def drawn(seeds: list[int]) -> dict[int, list[int]]:
        crops = crops_of([Files(9, damaged=(0, 3, 7)).folder, Files(4, damaged=(2,)).folder], side=8, longest=20, halvings=0)
        return {seed: levels(crops.draw(jax.random.key(seed), count=8, side=8)) for seed in seeds}

    assert drawn(list(range(10))) == drawn(list(range(9, -1, -1)))
    assert drawn([5])[5] == drawn(list(range(10)))[5]


def test_folders_still_count_alike_where_some_pictures_are_damaged():
    first, second = Files(10, damaged=tuple(range(1, 10))), Files(10)
    crops = crops_of([first.folder, second.folder], side=8, longest=20, halvings=0)
    drawn = levels(crops.draw(jax.random.key(1), count=4000, side=8))
    assert np.mean(np.array(drawn) == 0) == pytest.approx(0.5 + 0.05, abs=0.03)


def test_a_folder_of_damaged_pictures_is_an_error():
    crops = crops_of([Files(3).folder, Files(2, damaged=(0, 1)).folder], side=8, longest=20, halvings=0)
    with pytest.raises(StageError, match="Folder 2 of 2 has no picture that can be read"):
        crops.draw(jax.random.key(0), count=100, side=8)


def test_damaged_headers_are_left_out_at_once():
    files, notes = Files(3), []
    broken = Folder(files.folder.names, files.folder.read, Files(3, damaged=(1,)).folder.read)
    crops = crops_of([broken], side=8, longest=20, halvings=0, note=notes.append)
    assert len(crops.pictures) == 2
    assert notes == ["'1.jpg' is damaged. It is left out."]


def test_a_damaged_picture_is_an_error_at_once_where_strict():
    with pytest.raises(InputError, match=r"'1\.jpg' is damaged"):
        crops_of([Files(3, damaged=(1,)).folder], side=8, longest=20, halvings=0, strict=True)
    with pytest.raises(InputError, match=r"'1\.jpg' is damaged"):
        center_crops(Files(3, damaged=(1,)).folder, 8, strict=True)


def test_damaged_pictures_to_validate_with_are_left_out():
    notes: list[str] = []
    assert levels(center_crops(Files(3, damaged=(1,)).folder, 8, note=notes.append)) == [0, 2]
    assert notes == ["'1.jpg' is damaged. It is left out."]
    with pytest.raises(StageError, match="no picture of at least 8×8 pixels"):
        center_crops(Files(1, damaged=(0,)).folder, 8)


def test_a_picture_that_was_changed_is_not_left_out():
    def changed(name: str) -> Image:
        raise ChangedInput("it changed during the run")

    files = Files(2)
    with pytest.raises(ChangedInput):
        crops_of([Folder(("0",), changed, changed)], side=8, longest=20, halvings=0)
    crops = crops_of([Folder(("0",), changed, files.folder.outline)], side=8, longest=20, halvings=0)
    with pytest.raises(ChangedInput):
        crops.draw(jax.random.key(0), count=1, side=8)
    with pytest.raises(ChangedInput):
        center_crops(Folder(("0",), changed), 8)

"""Patterns and folders in lists: which files they stand for, in which order, and what is said where there are none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stylepipe.image.files.io import ENDINGS
from stylepipe.recipe.params import file_patterns
from stylepipe.recipe.params.file_patterns import NoFiles, Patterns
from stylepipe.recipe.params.labels import axis_labels, names_of_outside_files
from stylepipe.recipe.resolved import PICTURE_ENDINGS

FILES = [
    *("batch/IMG_10.jpg", "batch/IMG_2.jpg", "batch/DSC1.JPG", "batch/notes.txt", "batch/.hidden.jpg", "batch/sub/IMG_2.jpg"),
    *("batch/.cache/x.jpg", "batch/sub/deep/er/a.png", "my [2024] pics/one.jpg", "my [2024] pics/[x].png", "a?b/2.png"),
    *("nets/one.safetensors", "nets/readme.md", "star*.jpg", "stars.jpg"),
]


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[str]]:
    """The files that a pattern stands for."""
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return lambda pattern, kind="image": Patterns().files(pattern, kind, tmp_path)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("batch/*.jpg", ["batch/DSC1.JPG", "batch/IMG_2.jpg", "batch/IMG_10.jpg"]),
        ("batch/*.JPG", ["batch/DSC1.JPG", "batch/IMG_2.jpg", "batch/IMG_10.jpg"]),
        ("batch/img_*.jpg", []),
        ("batch", ["batch/DSC1.JPG", "batch/IMG_2.jpg", "batch/IMG_10.jpg"]),
        ("batch/", ["batch/DSC1.JPG", "batch/IMG_2.jpg", "batch/IMG_10.jpg"]),
        ("batch/*", ["batch/DSC1.JPG", "batch/IMG_2.jpg", "batch/IMG_10.jpg"]),
        ("batch/*.txt", ["batch/notes.txt"]),
        ("batch/.*.jpg", ["batch/.hidden.jpg"]),
        ("batch/**/*.jpg", ["batch/DSC1.JPG", "batch/IMG_2.jpg", "batch/IMG_10.jpg", "batch/sub/IMG_2.jpg"]),
        ("batch/**/**/*.png", ["batch/sub/deep/er/a.png"]),
        (
            "batch/**",
            ["batch/DSC1.JPG", "batch/IMG_2.jpg", "batch/IMG_10.jpg", "batch/sub/deep/er/a.png", "batch/sub/IMG_2.jpg"],
        ),
        ("**/er/*", ["batch/sub/deep/er/a.png"]),
        ("*/IMG_[0-9].jpg", ["batch/IMG_2.jpg"]),
        ("my [2024] pics/*.jpg", ["my [2024] pics/one.jpg"]),
        ("my [2024] pics/[x].png", ["my [2024] pics/[x].png"]),
        ("my [2024] pics", ["my [2024] pics/[x].png", "my [2024] pics/one.jpg"]),
        ("my [0-9]*/*.jpg", []),
        ("a?b/?.png", ["a?b/2.png"]),
        ("star*.jpg", ["star*.jpg"]),
        ("./batch/../batch/IMG_?.jpg", ["./batch/../batch/IMG_2.jpg"]),
    ],
)
def test_pictures(files: Callable[..., list[str]], pattern: str, expected: list[str]) -> None:
    if expected:
        assert files(pattern) == expected
    else:
        with pytest.raises(NoFiles):
            files(pattern)


def test_an_absolute_pattern(files: Callable[..., list[str]], tmp_path: Path) -> None:
    assert files(f"{tmp_path}/batch/IMG*.jpg") == [f"{tmp_path}/batch/IMG_2.jpg", f"{tmp_path}/batch/IMG_10.jpg"]


def test_weights_and_folders(files: Callable[..., list[str]]) -> None:
    assert files("nets/*", "weights") == ["nets/one.safetensors"]
    assert files("batch/*", "folder") == ["batch/sub"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("batch/*.tif", "in '{}/batch' nothing has such a name"),
        ("nets", "in '{}/nets' nothing that ends in .png, .jpg"),
        ("bach/*.jpg", "there is no folder '{}/bach'"),
        ("batch/**/*.gif", "in '{}/batch' nothing has such a name"),
    ],
)
def test_no_match_says_what_was_looked_for(files: Callable[..., list[str]], tmp_path: Path, pattern: str, message: str) -> None:
    with pytest.raises(NoFiles) as caught:
        files(pattern)
    assert str(caught.value).startswith(message.format(tmp_path))


def test_links_do_not_lead_around_in_circles(files: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "batch/sub/up").symlink_to(tmp_path)
    assert files("**/IMG_10.jpg") == ["batch/IMG_10.jpg"]


def test_what_is_looked_at_is_bounded(files: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(file_patterns, "MAX_NAMES", 8)
    with pytest.raises(NoFiles, match="more than 8 names"):
        Patterns().files("**/*.jpg", "image", tmp_path)
    reported: dict[int, str] = {}
    many = Patterns().expand(["nets/*.jpg"] * 9, "image", tmp_path, reported.__setitem__, confined=True)
    assert many == []
    assert "more than 8 names" in reported[8]


@pytest.mark.parametrize("pattern", ["*.png", "*", "**/*.png", "folder"])
def test_files_that_are_found_again_and_again_count_most(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pattern: str) -> None:
    (tmp_path / "folder").mkdir()
    for number in range(20):
        (tmp_path / "folder" / f"{number}.png").touch()
        (tmp_path / f"{number}.png").touch()
    monkeypatch.setattr(file_patterns, "MAX_NAMES", 1000)
    reported: dict[int, str] = {}
    files = Patterns().expand([pattern] * 100, "image", tmp_path, reported.__setitem__, confined=True)
    assert 20 <= len(files) <= 1000 / 4
    assert "more than 1000 names" in reported[99]


def test_what_is_read_is_looked_for() -> None:
    assert set(ENDINGS) <= set(PICTURE_ENDINGS)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["a/x.png", "b/x.png"], ["a/x.png", "b/x.png"]),
        (["x.png", "sub/x.png", "sub/y.png"], ["x.png", "sub/x.png", "y.png"]),
        (["p/a/x.png", "q/a/x.png", "r/b/X.png"], ["p/a/x.png", "q/a/x.png", "b/X.png"]),
        (["/home/me/x.png", "/mnt/x.png", "../x.png"], ["x.png", "x-2.png", "x-3.png"]),
        ([1, 2.5, True, [1, 2], "text"], ["1", "2.5", "true", "1-2", "text"]),
    ],
)
def test_labels_tell_values_apart(values: list, labels: list[str]) -> None:
    assert axis_labels(values) == labels


def test_files_from_outside_have_names_of_their_own() -> None:
    names = names_of_outside_files(["/a/x.png", "in/x.png", "/b/x.png", "../x.png", "/a/x.png"])
    assert names == {"/a/x.png": "x.png", "/b/x.png": "x-2.png", "../x.png": "x-3.png"}

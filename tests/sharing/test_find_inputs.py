"""Finding inputs by their bytes: beside, under other names, in folders; weights by name."""

import hashlib
from pathlib import Path

import pytest

from stylepipe.engine.inputs import WeightsSource
from stylepipe.engine.runs.records import InputRecord
from stylepipe.errors import Place, UsageError, WeightsError
from stylepipe.recipe.resolved import InputFile
from stylepipe.sharing.find_inputs import find_inputs


@pytest.fixture
def source(tmp_path) -> WeightsSource:
    def find(name: str) -> Path:
        path = tmp_path / f"{name}.weights"
        if not path.exists():
            raise WeightsError(f"There are no weights '{name}'.")
        return path

    return WeightsSource(find, lambda path: pytest.fail("it is not read"))


@pytest.fixture
def find(tmp_path, source):
    """Looks for one input in the folders a and b beside the recipe's."""
    for name in ("recipe", "a", "b"):
        (tmp_path / name).mkdir()

    def call(kind: str, reference: str, sha256: str, *places: Path) -> Path | None:
        file = InputFile("it", kind, reference, tmp_path / "recipe", Place("recipe.yaml", 4, 5))
        record = InputRecord(kind=kind, reference=reference, sha256=sha256)
        return find_inputs(
            {"it": file},
            {"it": record},
            [tmp_path / "a", tmp_path / "b"],
            source,
            lambda asked: places if asked == sha256 else (),
        ).get("it")

    return call


def write(path: Path, data: bytes = b"bytes") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def test_what_the_recipe_names_is_taken_first(find, tmp_path):
    write(tmp_path / "a" / "x.png")
    assert find("image", "x.png", write(tmp_path / "recipe" / "x.png")) is None


@pytest.mark.parametrize("place", ["b/in/x.png", "b/x.png", "b/IMG.JPEG"])
def test_others_of_the_same_bytes_are_found(find, tmp_path, place):
    write(tmp_path / "recipe" / "in" / "x.png", b"other")
    write(tmp_path / "a" / "x.png", b"other")
    sha256 = write(tmp_path / place)
    assert find("image", "in/x.png", sha256) == tmp_path / place
    assert find("mask", "in/x.png", sha256) == tmp_path / place


def test_only_files_of_its_kind_are_looked_into(find, tmp_path):
    sha256 = write(tmp_path / "a" / "x.safetensors")
    assert find("weights", "./x.h5", sha256) == tmp_path / "a" / "x.safetensors"
    with pytest.raises(UsageError, match="it is not here"):
        find("image", "x.png", sha256)


def test_folders_are_found_by_name(find, tmp_path):
    sha256 = write(tmp_path / "b" / "photos" / "one.png")
    whole = hashlib.sha256(f"{sha256} one.png\n".encode()).hexdigest()
    assert find("folder", "photos", whole) == tmp_path / "b" / "photos"


def test_weights_by_name_must_be_the_same(find, tmp_path):
    sha256 = write(tmp_path / "vgg.weights")
    assert find("weights", "vgg", sha256) is None
    with pytest.raises(UsageError, match=r"'vgg' of SHA-256 0{64}: these weights have another SHA-256 here"):
        find("weights", "vgg", "0" * 64)
    with pytest.raises(UsageError, match="it is not here") as caught:
        find("weights", "other", sha256)
    assert caught.value.hint == "Name a replacement: -p it=NAME"


def test_all_that_is_missing_is_told_at_once(tmp_path, source):
    files = {name: InputFile(name, "image", f"{name}.png", tmp_path, Place("r.yaml")) for name in ("a", "b")}
    records = {name: InputRecord(kind="image", reference=f"{name}.png", sha256="0" * 64) for name in files}
    with pytest.raises(UsageError) as caught:
        find_inputs(files, records, [tmp_path], source)
    assert caught.value.message.splitlines() == [
        f"Input '{name}', '{name}.png' of SHA-256 {'0' * 64}: it is not here." for name in files
    ]
    assert caught.value.hint == "Name a replacement: -p a=FILE -p b=FILE"


def test_links_and_pipes_beside_do_no_harm(find, tmp_path):
    import os

    os.mkfifo(tmp_path / "a" / "pipe.png")
    (tmp_path / "a" / "loop.png").symlink_to("loop.png")
    with pytest.raises(UsageError):
        find("image", "x.png", "0" * 64)


def test_where_it_was_is_looked_at_before_the_folders(find, tmp_path):
    sha256 = write(tmp_path / "a" / "x.png")
    for name in ("was/y.jpg", "was/x.png"):
        write(tmp_path / name)
    assert find("image", "x.png", sha256, tmp_path / "was" / "y.jpg") == tmp_path / "was" / "y.jpg"
    assert (
        find("image", "in/x.png", sha256, tmp_path / "was" / "y.jpg", tmp_path / "was" / "x.png") == tmp_path / "was" / "x.png"
    )


@pytest.mark.parametrize("now", ["gone", "other bytes", "a folder", "a pipe", "a link to itself"])
def test_where_it_was_something_else_is_not_taken(find, tmp_path, now):
    import os

    sha256, place = write(tmp_path / "a" / "z.png"), tmp_path / "x.png"
    match now:
        case "other bytes":
            write(place, b"bytez")
        case "a folder":
            place.mkdir()
        case "a pipe":
            os.mkfifo(place)
        case "a link to itself":
            place.symlink_to("x.png")
    assert find("image", "x.png", sha256, place) == tmp_path / "a" / "z.png"
    (tmp_path / "a" / "z.png").unlink()
    with pytest.raises(UsageError, match="it is not here"):
        find("image", "x.png", sha256, place)


def test_a_folder_is_found_where_it_was(find, tmp_path):
    sha256 = write(tmp_path / "was" / "one.png")
    whole = hashlib.sha256(f"{sha256} one.png\n".encode()).hexdigest()
    assert find("folder", "photos", whole, tmp_path / "was" / "one.png", tmp_path / "was") == tmp_path / "was"
    write(tmp_path / "was" / "two.png")
    with pytest.raises(UsageError):
        find("folder", "photos", whole, tmp_path / "was")

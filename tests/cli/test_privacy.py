"""Nothing that a run leaves, or that is passed on, names the folders where the user keeps things."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from stylepipe.artifacts import Image
from stylepipe.image.files.io import read_image, write_image

SECRET = "alice_secret"

RECIPE = """\
stylepipe: 1
name: look
params: {photo: photo.png, photos: [photo.png], region: photo.png, note: nothing, pair: {of: photo.png}}
inputs:
  photo: {image: $params.photo}
  region: {mask: $params.region}
  other: {image: $params.pair.of}
stages:
  bright: {use: unite, image: $photo, mask: $region, other: $other}
  again: {use: brighten, image: $bright}
output: $again
"""


LABEL = '''
"""A stage with a text."""

from stylepipe.artifacts import Image
from stylepipe.stage import Emit, Note, Params, stage


class LabelParams(Params):
    """A text."""

    text: str


@stage(version=1)
def label(image: Image, params: LabelParams, *, emit: Emit) -> Image:
    """Hands the picture on, and tells its text."""
    emit(Note(f"The text is {params.text}"))
    return image
'''
UNITE = '''
"""A stage with three inputs."""

from stylepipe.artifacts import Image, Mask
from stylepipe.stage import Params, stage


@stage(version=1)
def unite(image: Image, mask: Mask, other: Image, params: Params) -> Image:
    """The first of them."""
    return image
'''
PILE = '''
"""A stage with a list of pictures."""

from collections.abc import Sequence

from stylepipe.artifacts import Image
from stylepipe.stage import Params, stage


@stage(version=1)
def pile(images: Sequence[Image], params: Params) -> Image:
    """The first of them."""
    return images[0]
'''
STUMBLE = '''
"""A stage that looks for a file of the user's."""

from pathlib import Path

from stylepipe.artifacts import Image
from stylepipe.stage import Params, stage


class StumbleParams(Params):
    """Where."""


@stage(version=1)
def stumble(image: Image, params: StumbleParams) -> Image:
    """Opens a file that is not there."""
    (Path.home() / "_".join(["alice", "secret"]) / "some where" / "model.bin").read_bytes()
    return image
'''


@pytest.fixture
def place(home, monkeypatch, install_pack) -> Path:
    """The current folder: a user's folder with a secret one in it, and beside it a folder of recipes."""
    install_pack("others", {"label": LABEL, "pile": PILE, "stumble": STUMBLE, "unite": UNITE})
    secret = home / "user" / SECRET
    for folder in (secret / "deeper", home / "recipes", secret):
        folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(("photo.png", "me.png", "you.png")):
            picture = read_image(home / "photo.png")
            write_image(Image(picture.pixels * (1 - number / 10)), folder / name)
    (home / "recipes" / "look.yaml").write_text(RECIPE)
    monkeypatch.setenv("HOME", str(home / "user"))
    return home


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """All that lies in a folder, and in its archives and pictures, as it is written there: also compressed texts."""
    for file in path.rglob("*"):
        yield str(file.relative_to(path)), b""
        if file.is_file():
            data = file.read_bytes()
            yield file.name, data
            if file.suffix in (".stylepipe", ".zip"):
                with zipfile.ZipFile(file) as archive:
                    yield from ((name, archive.read(name)) for name in archive.namelist())
            at = data.find(b"iTXtstylepipe")
            if at >= 0:
                yield file.name, zlib.decompressobj().decompress(data[at + 4 + len("stylepipe") + 5 :])


def require_private(folder: Path, *words: str) -> None:
    for name, data in contents(folder):
        for word in (SECRET, *words):
            assert word not in name, name
            assert word.encode() not in data, (name, data[max(0, data.find(word.encode()) - 80) :][:200])


FILES = [
    "~/{s}/me.png",
    "user/{s}/me.png",
    "{cwd}/user/{s}/me.png",
    "recipes/../user/{s}/me.png",
    "./user/{s}/deeper/me.png",
    '"~/{s}/me.png"',
]


@pytest.mark.parametrize("written", FILES)
@pytest.mark.parametrize("recipe", ["recipes/look.yaml", "{cwd}/recipes/look.yaml"])
def test_a_file_from_elsewhere(cli, place, written, recipe):
    values = {"s": SECRET, "cwd": place}
    typed = [f"-p{name}={written.format_map(values)}" for name in ("photo", "region")]
    said = cli("run", recipe.format_map(values), "-q", *typed, "-p", f"pair={{of: ~/{SECRET}/you.png}}")
    assert said.code == 0, said.err
    require_private(place / "outputs", str(place))
    picture = next((place / "outputs").glob("look/*/again.png"))
    assert SECRET not in cli("show", picture).out
    (place / "out").mkdir()
    (place / "you.png").write_bytes((place / "user" / SECRET / "you.png").read_bytes())  # found by its bytes
    given = [f"-pphoto=user/{SECRET}/me.png", f"-pregion=user/{SECRET}/me.png"]
    if "deeper" in written:
        given = [f"-p{name}=user/{SECRET}/deeper/me.png" for name in ("photo", "region")]
    for target in (["out/x.stylepipe"], ["out/x", "--crate"], ["out/x.zip", "--crate"]):
        assert cli("export", "look", *given, "-o", *target).code == 0
    require_private(place / "out", str(place))


@pytest.mark.parametrize(
    "written",
    [
        '["~/{s}/me.png", "~/{s}/you.png"]',
        "[user/{s}/me.png, user/{s}/deeper/me.png]",
        "[{cwd}/user/{s}/me.png, user/{s}/you.png]",
        "[~/{s}/*.png]",
        "[user/{s}/**/m*.png]",
    ],
)
def test_a_sweep_over_files_from_elsewhere(cli, place, written):
    said = cli("sweep", "recipes/look.yaml", "-q", "-p", f"photo={written.format(s=SECRET, cwd=place)}")
    assert said.code == 0, said.err
    require_private(place / "outputs", str(place))


def test_other_params_that_are_paths(cli, place):
    text = RECIPE.replace("use: brighten, image: $bright", "use: label, image: $bright, text: $params.note")
    (place / "recipes" / "look.yaml").write_text(text)
    for value in (f"~/{SECRET}/x.txt", f"{place}/user/{SECRET}/x.txt"):
        assert cli("run", "recipes/look.yaml", "-q", "-p", f"note={value}").code == 0
    require_private(place / "outputs", str(place))


def test_a_sign_that_documents_double(cli, place):
    (place / "user" / SECRET / "a$b.png").write_bytes((place / "photo.png").read_bytes())
    assert cli("run", "recipes/look.yaml", "-q", "-p", f"photo=user/{SECRET}/a$b.png").code == 0
    assert cli("sweep", "recipes/look.yaml", "-q", "-p", f"photo=[user/{SECRET}/a$b.png, user/{SECRET}/me.png]").code == 0
    require_private(place / "outputs")


@pytest.mark.parametrize("outputs", ["~/{s}/out", "user/{s}/out", "{cwd}/user/{s}/out"])
def test_folders_of_outputs_and_cache(cli, place, outputs):
    folder = outputs.format(s=SECRET, cwd=place)
    assert cli("run", "recipes/look.yaml", "-q", f"--outputs={folder}", "--cache", f"user/{SECRET}/cache").code == 0
    (run,) = (place / "user" / SECRET / "out" / "look").iterdir()
    require_private(run, str(place))


def test_errors_and_their_tracebacks(cli, place):
    """A stage that fails on a file, and notes that name some."""
    (place / "recipes" / "look.yaml").write_text(RECIPE.replace("use: brighten, image: $bright", "use: stumble, image: $photo"))
    assert cli("run", "recipes/look.yaml", "-q", f"--outputs=~/{SECRET}/out", "-p", f"photo=user/{SECRET}/me.png").code == 1
    (run,) = (place / "user" / SECRET / "out" / "look").iterdir()
    assert (run / "traceback.txt").exists()
    require_private(run, str(place))


@pytest.mark.parametrize("written", ["user/{s}/deeper", "~/{s}/*.png", "[{cwd}/user/{s}/me.png, user/{s}/deeper/me.png]"])
def test_a_list_of_images_from_elsewhere(cli, place, written):
    text = RECIPE.replace("region: {mask", "many: {images: $params.photos}\n  region: {mask")
    (place / "recipes" / "look.yaml").write_text(text.replace("use: brighten, image: $bright", "use: pile, images: $many"))
    said = cli("run", "recipes/look.yaml", "-q", "-p", f"photos={written.format(s=SECRET, cwd=place)}")
    assert said.code == 0, said.err
    require_private(place / "outputs", str(place))

"""Pictures of strangers: each that is out of order is refused with its sentence, in little time and memory."""

import json
import os
import resource
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import PIL.Image
import pytest

from stylepipe.engine.inputs import WeightsSource
from stylepipe.errors import StylepipeError, WeightsError
from stylepipe.sharing import png_provenance as reading
from stylepipe.sharing.unpacking import inputs_of, unpack

from .hostile import RECIPE, bomb, chunk, itxt, picture, png, sha256

MEMORY = 200 * 2**20


def said(data: object = None, **changed: object) -> bytes:
    """What a picture says that nothing is wrong with, with changes; or something else."""
    sound = {
        "format": 1,
        "name": "look",
        "recipe": RECIPE,
        "inputs": {"photo": {"kind": "image", "reference": "photo.png", "sha256": sha256(png())}},
        "environment": {"stylepipe": "0.1"},
        "outputs": {"sharp": "0" * 64},
    }
    return json.dumps({**sound, **changed} if data is None else data).encode()


def saying(text: bytes) -> bytes:
    return picture(chunk(b"iTXt", itxt(zlib.compress(text))))


def recipe(out: str, into: str) -> Callable[[], bytes]:
    assert out in RECIPE
    return lambda: saying(said(recipe=RECIPE.replace(out, into)))


def jpeg() -> bytes:
    file = BytesIO()
    PIL.Image.new("RGB", (4, 3)).save(file, "JPEG")
    return file.getvalue()


def vast(width: int, height: int) -> bytes:
    data = png()
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + data[24:29]
    return data[:8] + chunk(b"IHDR", header) + chunk(b"iTXt", itxt(zlib.compress(said()))) + data[33:]


DAMAGED = "is damaged, or no PNG file"
SILENT = "does not say how it was made"
UNREADABLE = "The provenance in"
CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    # files
    "an empty file": (lambda: b"", DAMAGED),
    "text": (lambda: b"once upon a time", DAMAGED),
    "another format": (jpeg, DAMAGED),
    "only the signature": (lambda: png()[:8], DAMAGED),
    "half a header": (lambda: png()[:20], DAMAGED),
    "a header whose sum is wrong": (lambda: png()[:29] + b"\0\0\0\0" + png()[33:], DAMAGED),
    "nothing behind the header": (lambda: png()[:33], DAMAGED),
    "more pixels than are read": (lambda: vast(10**5, 10**5), DAMAGED),
    "no pixels": (lambda: vast(0, 3), DAMAGED),
    # chunks
    "a chunk of two gigabytes that ends": (lambda: picture(chunk(b"iTXt", b"x", length=2**31 - 1)), DAMAGED),
    "a chunk longer than the format has": (lambda: picture(chunk(b"iTXt", b"x", length=2**32 - 1)), DAMAGED),
    "a chunk without a type": (lambda: picture(chunk(b"\0\0\0\0", b"x")), DAMAGED),
    "a text whose sum is wrong": (lambda: picture(chunk(b"iTXt", itxt(zlib.compress(said())), crc=1)), DAMAGED),
    "a text behind the pixels": (lambda: picture(chunk(b"iTXt", itxt(zlib.compress(said()))), at_end=True), SILENT),
    "nothing in it": (lambda: picture(chunk(b"iTXt", b"")), SILENT),
    "only a keyword": (lambda: picture(chunk(b"iTXt", b"stylepipe\0")), SILENT),
    "no text behind the keyword": (lambda: picture(chunk(b"iTXt", b"stylepipe\0\1\0")), SILENT),
    "another keyword": (lambda: picture(chunk(b"iTXt", itxt(zlib.compress(said()), keyword=b"Stylepipe"))), SILENT),
    "a compression that there is not": (lambda: picture(chunk(b"iTXt", itxt(zlib.compress(said()), method=9))), SILENT),
    "a compression that is broken": (lambda: picture(chunk(b"iTXt", itxt(zlib.compress(said())[::-1]))), SILENT),
    "a text that is not UTF-8": (lambda: saying(b"\xff\xfe{}"), SILENT),
    # bombs
    "a bomb": (lambda: picture(chunk(b"iTXt", itxt(bomb(2**28)))), DAMAGED),
    "a bomb of the older kind": (lambda: picture(chunk(b"zTXt", b"stylepipe\0\0" + bomb(2**28))), DAMAGED),
    "a bomb beside": (lambda: picture(chunk(b"iTXt", itxt(bomb(2**28), keyword=b"Comment"))), DAMAGED),
    "a bomb as a color profile": (lambda: picture(chunk(b"iCCP", b"x\0\0" + bomb(2**28))), DAMAGED),
    "many small bombs": (
        lambda: picture(*[chunk(b"zTXt", b"%d\0\0" % number + bomb(2**20)) for number in range(80)]),
        DAMAGED,
    ),
    # what is said
    "no JSON": (lambda: saying(b"look"), UNREADABLE),
    "nothing": (lambda: saying(b""), UNREADABLE),
    "a list": (lambda: saying(said([])), UNREADABLE),
    "nested deep": (lambda: saying(b"[" * 500_000), UNREADABLE),
    "mappings nested deep": (lambda: saying(b'{"inputs":' * 50_000), UNREADABLE),
    "a number without end": (lambda: saying(b'{"format": ' + b"9" * 900_000 + b"}"), UNREADABLE),
    "no recipe": (lambda: saying(said(recipe=None)), UNREADABLE),
    "inputs that are none": (lambda: saying(said(inputs=[1])), UNREADABLE),
    "half a character": (lambda: saying(said(recipe="name: \ud800")), UNREADABLE),
    "a format of tomorrow": (lambda: saying(said(format=2)), "is of the newer format 2"),
    "an input that the recipe has not": (
        lambda: saying(said(inputs={"../x": {"kind": "image", "reference": "x", "sha256": ""}})),
        r"its recipe has no input '\.\./x' of the kind 'image'",
    ),
    "an input of another kind": (
        lambda: saying(said(inputs={"photo": {"kind": "folder", "reference": "/", "sha256": ""}})),
        "its recipe has no input 'photo' of the kind 'folder'",
    ),
    "an input that is nowhere": (
        lambda: saying(said(inputs={"photo": {"kind": "image", "reference": "/etc/passwd", "sha256": "0" * 64}})),
        r"Input 'photo', 'inputs/photo\.png' of SHA-256 0{64}: it is not here",
    ),
    # recipes
    "an empty recipe": (lambda: saying(said(recipe="")), "The file holds no recipe"),
    "a path out": (recipe("photo: inputs/photo.png", "photo: ../../../etc/x.png"), "it leaves the recipe's folder"),
    "an absolute path": (recipe("photo: inputs/photo.png", "photo: /etc/x.png"), "it is absolute"),
    "another recipe": (recipe("name: look", "name: look\nextends: other.yaml"), "There is no file"),
    "another recipe above": (recipe("name: look", "name: look\nextends: ../other.yaml"), "it leaves the recipe's folder"),
    "a tag": (recipe("name: look", "name: !!python/name:os.system look"), "The tag !!python/name:os.system"),
    "aliases": (recipe("name: look", "name: look\ndescription: &a [*a, *a]"), "Anchors and aliases"),
    "a stage that is not here": (recipe("use: sharpen", "use: shell"), "There is no stage 'shell'"),
    "a size without end": (recipe("image: $photo", f"image: $photo, radius: {10**12}"), "stages.sharp.radius is 1000000000000"),
    "an output that the recipe has not": (lambda: saying(said(outputs={"x\x1b": "0"})), r"its recipe has no output 'x\\x1b'"),
    "a command for terminals": (recipe("name: look", "name: look\n\x1b[2J: x"), r"The character U\+001B may not stand"),
}


@pytest.fixture
def source() -> WeightsSource:
    def find(name: str) -> Path:
        raise WeightsError(f"There are no weights '{name}'.")

    return WeightsSource(find, lambda path: pytest.fail("nothing is read"))


@pytest.fixture
def run(tmp_path, source) -> Iterator[Callable[[Path], object]]:
    """What running a picture does before anything runs, with little more memory than there is in use already."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)

    def call(path: Path) -> object:
        folder = tmp_path / "folder"
        folder.mkdir()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
        provenance = unpack(path, folder, source)
        return inputs_of(provenance, folder, overrides={}, folders=[path.parent], weights=source)

    yield call
    resource.setrlimit(resource.RLIMIT_AS, before)


def test_a_sound_picture_is_taken(run, tmp_path):
    (tmp_path / "look.png").write_bytes(saying(said()))
    (tmp_path / "there.png").write_bytes(png())
    assert run(tmp_path / "look.png") == {"photo": str(tmp_path / "there.png")}


@pytest.mark.parametrize("case", CASES)
def test_picture(run, tmp_path, case):
    make, message = CASES[case]
    (tmp_path / "look.png").write_bytes(make())
    with pytest.raises(StylepipeError, match=message) as caught:
        run(tmp_path / "look.png")
    assert caught.value.exit_code == 2
    assert "\x1b" not in str(caught.value)


def test_what_is_no_file(run, tmp_path):
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    for name in ("folder", "pipe", "loop", "none"):
        with pytest.raises(StylepipeError, match="There is no file"):
            reading.read_picture(tmp_path / f"{name}.png")


def test_a_vast_file_is_not_opened(run, tmp_path):
    with (tmp_path / "look.png").open("wb") as file:
        file.truncate(2 * 10**9)  # a hole, which takes no room
    with pytest.raises(StylepipeError, match="is larger than 1000 MB"):
        run(tmp_path / "look.png")

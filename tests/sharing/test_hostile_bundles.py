"""Bundles of strangers: each that is out of order is refused with its sentence, and nothing is written beside its folder."""

import errno
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stylepipe.engine.inputs import WeightsSource
from stylepipe.errors import StylepipeError, WeightsError
from stylepipe.sharing import archive
from stylepipe.sharing.unpacking import unpack

from . import hostile
from .hostile import Zip, bundle, png, record, sound, sums


def link(name: str, target: bytes) -> bytes:
    return bundle(listed=sums({**sound(), name: target}), more=lambda zip_: zip_.add(name, target, mode=stat.S_IFLNK | 0o777))


def member(name: str) -> bytes:
    return bundle({name: b"x"})


def typed(kind: int) -> bytes:
    return bundle(more=lambda zip_: zip_.add("inputs/odd", b"", mode=kind | 0o644))


def patched(data: bytes, name: str, field: str, value: int) -> bytes:
    """A zip file with one field of a member changed, in its own header and in the table at the end."""
    changed = bytearray(data)
    form, own, table = {"flags": ("<H", 6, 8), "method": ("<H", 8, 10), "size": ("<I", 22, 24)}[field]
    for mark, start, offset in ((b"PK\3\4", 30, own), (b"PK\1\2", 46, table)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            if data[at + start : at + start + len(name)] == name.encode():
                struct.pack_into(form, changed, at + offset, value)
    return bytes(changed)


def renamed(data: bytes, old: str, new: str) -> bytes:
    assert len(old) == len(new)
    return data.replace(old.encode(), new.encode())


def overlapping() -> bytes:
    """Many entries of the table that all stand for the same bytes."""
    data = bundle({"inputs/large.png": bytes(100_000)})
    end = data.rindex(b"PK\5\6")
    size, start = struct.unpack("<II", data[end + 12 : end + 20])
    table = data[start : start + size]
    at = table.index(b"inputs/large.png") - 46
    length = 46 + len("inputs/large.png")
    entry = table[at : at + length]
    more = b"".join(entry.replace(b"large", f"lrg{number:02}".encode()) for number in range(3))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, size + len(more), start, 0)
    return data[:start] + table + more + tail


def locator(data: bytes) -> bytes:
    """What zip64 has before the end of the table."""
    return data[:-22] + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1) + data[-22:]


def table_of(data: bytes, size: int) -> bytes:
    return data[:-10] + struct.pack("<L", size) + data[-6:]


def offset(data: bytes, at: int) -> bytes:
    """A zip file whose end says that its table begins there; the places of all members are counted from that."""
    return data[:-6] + struct.pack("<L", at) + data[-2:]


def many() -> bytes:
    zip_ = Zip()
    for number in range(11):
        zip_.add(f"inputs/{number}", b"")
    return zip_.bytes()


DAMAGED = "it is damaged, or no zip file"
COMPRESSED = "it is compressed, and members are stored as they are"
CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    # names
    "a member above the folder": (lambda: member("../x"), r"'../x': it leaves the recipe's folder"),
    "a member above, from further in": (lambda: member("inputs/../../x"), r"'inputs/../../x': it leaves the recipe's folder"),
    "an absolute path": (lambda: member("/tmp/stylepipe-x"), r"'/tmp/stylepipe-x': it is absolute"),
    "a drive": (lambda: member("C:x"), r"'C:x': it names a drive"),
    "a backslash": (lambda: member("inputs\\x"), r"it holds a backslash"),
    "a control character": (lambda: member("inputs/x\x1b[2J"), r"it holds a control character"),
    "a line feed": (lambda: member("inputs/x\ny"), r"it holds a control character"),
    "a zero byte": (lambda: renamed(member("inputs/xyz"), "inputs/xyz", "inputs/x\0z"), "its name holds a zero byte"),
    "no name": (lambda: bundle(more=lambda zip_: zip_.add("", b"")), "it is empty"),
    "a folder": (lambda: bundle(more=lambda zip_: zip_.add("inputs/a/", b"")), r"'inputs/a/': it is a folder"),
    "an empty part": (lambda: member("inputs//x"), "it is a folder, or its name is not a plain path"),
    "a dot": (lambda: member("inputs/./x"), "it is a folder, or its name is not a plain path"),
    "a long name": (lambda: member("inputs/" + "x" * 249), "its name is longer than 255 bytes"),
    "a long name of few letters": (lambda: member("inputs/" + "ü" * 125), "its name is longer than 255 bytes"),
    "a name twice": (lambda: bundle(more=lambda zip_: zip_.add("recipe.yaml", b"")), "'recipe.yaml' is in it twice"),
    "names that differ in case": (lambda: member("inputs/Photo.PNG"), r"'inputs/Photo.PNG' and 'inputs/photo.png' differ only"),
    "names that differ in their spelling": (lambda: bundle({"inputs/ü": b"", "inputs/u\u0308": b""}), "differ only in case"),
    "a file that is a folder": (lambda: bundle({"inputs/a": b"", "inputs/a/b": b""}), "'inputs/a' is both a file and a folder"),
    "the sums by another case": (lambda: member("sha256sums"), "differ only in case"),
    "a script beside": (lambda: member("run.sh"), "'run.sh' does not belong in a bundle"),
    "a hidden file beside": (lambda: member(".bashrc"), "'.bashrc' does not belong in a bundle"),
    "code beside": (lambda: member("stages/evil.py"), "'stages/evil.py' does not belong in a bundle"),
    # kinds
    "a symbolic link": (lambda: link("inputs/x", b"/etc/passwd"), "it is a symbolic link"),
    "a link in the place of an input": (
        lambda: Zip().add("inputs/photo.png", b"/etc/hostname", mode=stat.S_IFLNK | 0o777).bytes(),
        "it is a symbolic link",
    ),
    "a device": (lambda: typed(stat.S_IFCHR), "it is no ordinary file"),
    "a pipe": (lambda: typed(stat.S_IFIFO), "it is no ordinary file"),
    "a folder by its mode": (lambda: typed(stat.S_IFDIR), "it is no ordinary file"),
    # bombs
    "a compressed member": (
        lambda: bundle(more=lambda zip_: zip_.add("inputs/x", bytes(10**7), method=zipfile.ZIP_DEFLATED)),
        COMPRESSED,
    ),
    "a member of another compression": (
        lambda: bundle(more=lambda zip_: zip_.add("inputs/x", bytes(10**6), method=zipfile.ZIP_LZMA)),
        COMPRESSED,
    ),
    "an unknown compression": (lambda: patched(bundle(), "recipe.yaml", "method", 99), COMPRESSED),
    "a size that is not true": (lambda: patched(bundle(), "recipe.yaml", "size", 2**31), COMPRESSED),
    "entries that share their bytes": (overlapping, "(it is damaged, or no zip file|its members overlap)"),
    "entries before the file's beginning": (lambda: offset(bundle(), 2**32 - 2), "its members lie outside of it"),
    "entries behind the file's end": (lambda: offset(bundle(), 0), DAMAGED),
    "too many members": (many, "it has 11 members; at most 10 are read"),
    "a table too large": (lambda: table_of(bundle(), 2**31), "it has more than 10 members, or is larger than 4 GB"),
    "zip64": (lambda: locator(bundle()), "it has more than 10 members, or is larger than 4 GB"),
    # damage
    "an empty file": (lambda: b"", "it does not end as a zip file without a comment does"),
    "another file": (lambda: png() * 20, "it does not end as a zip file without a comment does"),
    "half a file": (lambda: bundle()[:800], "it does not end as a zip file without a comment does"),
    "a comment": (lambda: bundle()[:-2] + b"\1\0x", "it does not end as a zip file without a comment does"),
    "only the end": (lambda: bundle()[-22:], DAMAGED),
    "a header that is gone": (lambda: bundle().replace(b"PK\3\4", b"PK\0\0", 1), DAMAGED),
    "names that do not agree": (lambda: bundle().replace(b"recipe.yaml", b"recipe.yaml"[::-1], 1), DAMAGED),
    "bytes that are not as they were": (lambda: bundle().replace(b"name: look", b"name: hook", 1), DAMAGED),
    "an encrypted member": (lambda: patched(bundle(), "recipe.yaml", "flags", 1), "'recipe.yaml': it is encrypted"),
    "a strongly encrypted member": (lambda: patched(bundle(), "recipe.yaml", "flags", 0x41), "'recipe.yaml': it is encrypted"),
    # sums
    "no sums": (lambda: Zip().add("recipe.yaml", b"").bytes(), "it has no SHA256SUMS"),
    "empty sums": (lambda: bundle(listed=b""), "its SHA256SUMS cannot be read"),
    "sums that are no text": (lambda: bundle(listed=b"\xff\xfe"), "its SHA256SUMS cannot be read"),
    "sums of another kind": (lambda: bundle(listed=b"d41d8cd98f00b204e9800998ecf8427e  x\n"), "its SHA256SUMS cannot be read"),
    "a sum twice": (lambda: bundle(listed=sums(sound()) + sums({"recipe.yaml": b""})), "its SHA256SUMS cannot be read"),
    "a wrong sum": (
        lambda: bundle(listed=sums({**sound(), "recipe.yaml": b""})),
        "'recipe.yaml' differs from its SHA256SUMS",
    ),
    "a sum that is missing": (
        lambda: bundle(listed=sums({name: data for name, data in sound().items() if name != "record.json"})),
        "'record.json' is not in its SHA256SUMS",
    ),
    "a member that is missing": (
        lambda: bundle(listed=sums({**sound(), "inputs/x": b""})),
        "'inputs/x' is in its SHA256SUMS, and missing in the archive",
    ),
    "very long sums": (lambda: bundle(listed=b"x" * 10**6), "its SHA256SUMS cannot be read"),
    # what is in it
    "no recipe": (lambda: bundle({"resolved.yaml": None}), "it has no resolved.yaml"),
    "no record": (lambda: bundle({"record.json": None}), "it has no record.json"),
    "a record that is none": (lambda: bundle({"record.json": b"[]"}), "its record.json cannot be read"),
    "a record nested deep": (lambda: bundle({"record.json": b"[" * 10**5}), "its record.json cannot be read"),
    "a vast record": (lambda: bundle({"record.json": b" " * 16_000_001}), "its record.json cannot be read"),
    "a record of tomorrow": (lambda: bundle({"record.json": record(format=9)}), "is of the newer format 9"),
    "an input that is another": (
        lambda: bundle({"inputs/photo.png": png() + b"x"}),
        r"Input 'photo', 'inputs/photo.png' of SHA-256",
    ),
    "an input that is not there": (lambda: bundle({"inputs/photo.png": None}), r"Input 'photo', 'inputs/photo.png' of SHA-256"),
    "an input that the recipe has not": (
        lambda: bundle({"record.json": record(inputs={"x\x1b": {"kind": "image", "reference": "x", "sha256": "0"}})}),
        r"its recipe has no input 'x\\x1b' of the kind 'image'",
    ),
    "an input of another kind": (
        lambda: bundle({"record.json": record(inputs={"photo": {"kind": "folder", "reference": "x", "sha256": "0"}})}),
        r"its recipe has no input 'photo' of the kind 'folder'",
    ),
}


def recipe(out: str, into: str) -> Callable[[], bytes]:
    assert out in hostile.RECIPE
    return lambda: bundle({"resolved.yaml": hostile.RECIPE.replace(out, into).encode("utf-8", "surrogatepass")})


RECIPES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a path out": (recipe("photo: inputs/photo.png", "photo: ../../x.png"), r"it leaves the recipe's folder"),
    "an absolute path": (recipe("photo: inputs/photo.png", "photo: /etc/x.png"), "it is absolute"),
    "a home": (recipe("photo: inputs/photo.png", "photo: ~/x.png"), r"'~/x.png' .* it starts from a home folder"),
    "a drive": (recipe("photo: inputs/photo.png", "photo: 'C:\\x.png'"), "it holds a backslash|it names a drive"),
    "an address": (recipe("photo: inputs/photo.png", "photo: https://host/x.png"), r"Input 'photo', 'https://host/x.png'"),
    "another recipe above": (recipe("name: look", "name: look\nextends: ../x.yaml"), "it leaves the recipe's folder"),
    "itself": (recipe("name: look", "name: look\nextends: resolved.yaml"), "extends forms a cycle"),
    "a tag": (recipe("name: look", "name: !!python/object/apply:os.system [ls]"), "The tag !!python/object/apply:os.system"),
    "an anchor": (recipe("name: look", "name: &a look"), "Anchors and aliases"),
    "a stage from elsewhere": (
        recipe("use: sharpen", "use: os.system"),
        "'os.system': names begin with a letter",
    ),
    "a stage that is not here": (recipe("use: sharpen", "use: evil"), "There is no stage 'evil'"),
    "code in a text": (
        recipe("image: $photo", "image: $photo, amount: \"${__import__('os')}\""),
        "a '\\$' begins no reference",
    ),
    "a thousand stages": (
        recipe("{use: sharpen,", "{use: sharpen, foreach: [" + ", ".join(map(str, range(1001))) + "],"),
        "more than 1000 stages",
    ),
    "nested deep": (recipe("name: look", "name: look\ndescription: " + "[" * 100_000), "nested more than 64 deep"),
    "many values": (
        recipe("name: look", "name: look\ndescription: [" + "1," * 10_001 + "]"),
        "more than 10000 keys and values",
    ),
    "a vast file": (recipe("name: look", "name: look\n#" + "x" * 10**6), "1 MB|1000000"),
    "no text": (lambda: bundle({"resolved.yaml": b"\xff\xfe\x00"}), "UTF-8"),
    "half a character": (recipe("name: look", "name: look\ndescription: \ud800"), "UTF-8"),
    "more stages than others are given": (
        recipe("{use: sharpen,", "{use: sharpen, foreach: [" + ", ".join(map(str, range(101))) + "],"),
        "It asks for 101 stages; recipes of others are limited to 100",
    ),
    "stages in a circle": (recipe("image: $photo}", "image: $sharp}"), "The stage sharp needs itself"),
}


@pytest.fixture
def source() -> WeightsSource:
    def find(name: str) -> Path:
        raise WeightsError(f"There are no weights '{name}'.")

    return WeightsSource(find, lambda path: pytest.fail("nothing is read"))


@pytest.fixture
def refused(tmp_path, monkeypatch, source) -> Iterator[Callable[[bytes], StylepipeError]]:
    """Unpacks a bundle, which is to be refused; the error. Nothing is left but in its folder."""
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10)

    def call(data: bytes) -> StylepipeError:
        path = tmp_path / "in" / "look.stylepipe"
        folder = tmp_path / "in" / "folder"
        folder.mkdir(parents=True)
        path.write_bytes(data)
        with pytest.raises(StylepipeError) as caught:
            unpack(path, folder, source)
        assert {file.relative_to(path.parent).parts[0] for file in tmp_path.rglob("*") if file.is_file()} <= {
            "look.stylepipe",
            "folder",
        }
        assert not any(file.is_symlink() for file in tmp_path.rglob("*"))
        return caught.value

    return call


def test_a_sound_bundle_is_taken(tmp_path, source):
    (tmp_path / "folder").mkdir()
    (tmp_path / "look.stylepipe").write_bytes(bundle())
    assert unpack(tmp_path / "look.stylepipe", tmp_path / "folder", source).name == "look"


def test_a_bundle_that_cannot_be_read_is_no_matter_of_the_outputs(refused, monkeypatch):
    def fail(self: zipfile.ZipExtFile, count: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(zipfile.ZipExtFile, "read", fail)
    error = refused(bundle())
    assert error.exit_code == 2
    assert error.message.endswith("look.stylepipe' cannot be read: Input/output error.")


@pytest.mark.parametrize("case", CASES)
def test_bundle(refused, case):
    make, message = CASES[case]
    error = refused(make())
    assert error.exit_code == 2
    assert error.hint
    with pytest.raises(StylepipeError, match=message):
        raise error


@pytest.mark.parametrize("case", RECIPES)
def test_bundle_with_a_hostile_recipe(refused, case):
    make, message = RECIPES[case]
    error = refused(make())
    assert error.exit_code == 2
    with pytest.raises(StylepipeError, match=message):
        raise error

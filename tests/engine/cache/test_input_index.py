"""The index of inputs: what has not changed is not read again, what was moved is found, and no fault of it stops a run."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from stylepipe.engine.cache import input_index
from stylepipe.engine.cache.input_index import FILE, own_input_index
from stylepipe.engine.inputs import find_input
from stylepipe.engine.job import prepare

LONG_AGO = 10**18


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """The folder of the user's index."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches" / "stylepipe" / "inputs"


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The names of the files that are read for their digests."""
    names: list[str] = []
    digest = hashlib.file_digest

    def counted(file, name):
        names.append(Path(file.name).name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return names


def write(path: Path, data: bytes = b"bytes", *, changed: int = LONG_AGO) -> Path:
    """Writes a file that was last changed then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(changed, changed))
    return path


def digest(path: Path) -> str:
    """The digest of a file by the user's index, as a run asks for it."""
    with own_input_index() as index, path.open("rb") as file:
        return index.sha256(path, file) if index else ""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_has_not_changed_is_read_once(home, tmp_path, reads):
    path = write(tmp_path / "a.png")
    assert {digest(path) for _ in range(3)} == {sha256(b"bytes")}
    assert reads == ["a.png"]


def test_a_folder_of_many_files_is_digested_once(home, lab, reads):
    lab.image("photo", 0)
    data = (lab.folder / "photo.png").read_bytes()
    for number in range(500):
        write(lab.folder / "photos" / f"{number}.png", data)
    recipe = lab.recipe([lab.input("pics", "folder", "photos")], [lab.node("all", "join", {"images": ("pics",)})])
    found = []
    for _ in range(3):
        with own_input_index() as index:
            found.append(prepare(recipe, weights=lab.weights, find=partial(find_input, index=index)).inputs["pics"])
    assert len(reads) == 500
    assert found[0] == found[1] == found[2] == prepare(recipe, weights=lab.weights).inputs["pics"]
    write(lab.folder / "photos" / "250.png", data[:-1])
    with own_input_index() as index:
        assert find_input(found[0].file, lab.weights, index=index).sha256 != found[0].sha256
    assert reads[1000:] == ["250.png"]
    with own_input_index() as index:
        assert index and index.places(found[0].sha256) == []
        assert len(index.places(sha256(data[:-1]))) == 1


@pytest.mark.parametrize("how", ["in place", "in place, the time kept", "by another file", "by an older file"])
def test_other_bytes_of_the_same_size(home, tmp_path, how):
    path = write(tmp_path / "a.png", b"one")
    assert digest(path) == sha256(b"one")
    match how:
        case "in place":
            path.write_bytes(b"two")
        case "in place, the time kept":
            write(path, b"two")
        case "by another file":
            write(tmp_path / "b.png", b"two").replace(path)
        case "by an older file":
            write(tmp_path / "b.png", b"two", changed=LONG_AGO // 2).replace(path)
    assert digest(path) == sha256(b"two")
    assert digest(path) == sha256(b"two")


@pytest.mark.parametrize("seconds", [0, 1, -3600])
def test_a_file_that_may_change_again_at_the_same_time_is_read_again(home, tmp_path, reads, seconds):
    """Changed just now, a second ago, or by its clock in an hour."""
    path = write(tmp_path / "a.png", changed=time.time_ns() - seconds * 10**9)
    assert {digest(path) for _ in range(3)} == {sha256(b"bytes")}
    assert len(reads) == 3
    with own_input_index() as index:
        assert index and index.places(sha256(b"bytes")) == [path]


def test_where_the_same_bytes_were_the_last_seen_first(home, tmp_path, monkeypatch):
    for name in "abc":
        write(tmp_path / name)
    for day, name in enumerate("abca"):
        monkeypatch.setattr(input_index.time, "time", lambda day=day: 1e9 + 90_000 * day)
        digest(tmp_path / name)
    (tmp_path / "b").unlink()
    with own_input_index() as index:
        assert index and index.places(sha256(b"bytes")) == [tmp_path / "a", tmp_path / "c", tmp_path / "b"]
        assert index.places("0" * 64) == []


def test_the_least_recently_seen_go(home, tmp_path, monkeypatch):
    monkeypatch.setattr(input_index, "MAX_ROWS", 4)
    for day in range(7):
        monkeypatch.setattr(input_index.time, "time", lambda day=day: 1e9 + 90_000 * day)
        digest(write(tmp_path / f"{day}.png", b"%d" % day))
        digest(tmp_path / "0.png")
    with own_input_index() as index:
        assert index
        assert [day for day in range(7) if index.places(sha256(b"%d" % day))] == [0, 4, 5, 6]


def test_it_is_private(home, tmp_path):
    before = os.umask(0)
    try:
        digest(write(tmp_path / "a.png"))
    finally:
        os.umask(before)
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()} == {FILE: 0o600}


@pytest.mark.parametrize("name", [b"caf\xe9 \xff.png", "ü 画.png".encode(), b"new\nline'\".png"])
def test_names_of_any_bytes(home, tmp_path, reads, name):
    path = write(tmp_path / os.fsdecode(name))
    assert digest(path) == digest(path) == sha256(b"bytes")
    assert len(reads) == 1
    with own_input_index() as index:
        assert index and index.places(sha256(b"bytes")) == [path]


def test_relative_paths_are_remembered_as_whole_ones(home, tmp_path, monkeypatch):
    write(tmp_path / "here" / "a.png")
    monkeypatch.chdir(tmp_path / "here")
    digest(Path("a.png"))
    with own_input_index() as index:
        assert index and index.places(sha256(b"bytes")) == [tmp_path / "here" / "a.png"]


def damaged(file: Path, how: str) -> None:
    data = file.read_bytes()
    match how:
        case "other bytes":
            file.write_bytes(b"no database" * 500)
        case "cut":
            file.write_bytes(data[: len(data) // 2])
        case "empty":
            file.write_bytes(b"")
        case "zeros inside":
            file.write_bytes(data[:4096] + bytes(len(data) - 4096))
        case "another digest":
            file.write_bytes(data.replace(sha256(b"bytes").encode(), sha256(b"other").encode()))
        case "no text":
            file.write_bytes(data.replace(sha256(b"bytes").encode(), b"\xff" * 64))
        case "other types":
            with sqlite3.connect(file) as connection:
                connection.execute("UPDATE inputs SET sha256 = 1.5, seen = 'never', stamp = x'00'")
        case "another table":
            file.unlink()
            with sqlite3.connect(file) as connection:
                connection.execute("CREATE TABLE inputs (path)")


DAMAGE = ["other bytes", "cut", "empty", "zeros inside", "another digest", "no text", "other types"]


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_index_gives_no_wrong_digest_and_is_made_anew(home, tmp_path, reads, how):
    path = write(tmp_path / "a.png")
    digest(path)
    damaged(home / FILE, how)
    for _ in range(4):
        assert digest(path) == sha256(b"bytes")
        with own_input_index() as index:
            assert not index or set(index.places(sha256(b"bytes"))) <= {path}
            assert not index or index.places(sha256(b"other")) == []
    reads.clear()
    assert digest(path) == sha256(b"bytes")
    assert reads == []


@pytest.mark.parametrize("what", ["another table", "a folder", "a link to nowhere", "another's folder", "a file", "no room"])
def test_without_a_usable_index_everything_is_read(home, tmp_path, reads, what):
    path = write(tmp_path / "a.png")
    digest(path)
    file = home / FILE
    match what:
        case "another table":
            damaged(file, what)
        case "a folder":
            file.unlink(), file.mkdir()
        case "a link to nowhere":
            file.unlink(), file.symlink_to("/proc/nowhere/x")
        case "another's folder":
            home.rename(tmp_path / "others"), home.symlink_to(tmp_path / "others")
        case "a file":
            home.rename(tmp_path / "others"), home.write_bytes(b"")
        case "no room":
            file.unlink(), file.symlink_to("/dev/full")
    for _ in range(2):
        assert digest(path) in (sha256(b"bytes"), "")
    assert reads.count("a.png") in (1, 3)


def test_one_that_may_only_be_read_serves(home, reads, tmp_path, monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("XDG_CACHE_HOME", folder)
        Path(folder).chmod(0o755)
        known, new = write(Path(folder, "known.png"), b"known"), write(Path(folder, "new.png"), b"new")
        digest(known)
        inputs = Path(folder, "stylepipe", "inputs")
        modes = [(inputs / FILE, 0o400), (inputs, 0o500)]
        root = os.geteuid() == 0
        for path, mode in modes:
            path.chmod(mode)
            os.chown(path, 12345 if root else -1, -1)
        reads.clear()
        if root:
            os.seteuid(12345)
        try:
            assert [digest(known), digest(new), digest(new)] == [sha256(b"known"), sha256(b"new"), sha256(b"new")]
        finally:
            if root:
                os.seteuid(0)
            inputs.chmod(0o700)
        assert reads == ["new.png", "new.png"]


def test_one_that_another_process_holds_is_not_waited_for(home, tmp_path, monkeypatch):
    monkeypatch.setattr(input_index, "_WAIT_SECONDS", 0.05)
    path = write(tmp_path / "a.png")
    digest(path)
    other = sqlite3.connect(home / FILE, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with own_input_index() as index:
        assert index
        assert index._connection is None  # it waits once, not for each file
        with path.open("rb") as file:
            assert index.sha256(path, file) == sha256(b"bytes")
    other.execute("ROLLBACK")
    other.close()
    with own_input_index() as index:
        assert index and index.places(sha256(b"bytes")) == [path]


LEARN = """
import sys
from pathlib import Path
from stylepipe.engine.cache import input_index
from stylepipe.engine.cache.input_index import own_input_index

input_index._WAIT_SECONDS = 60  # whatever else the machine does
for path in sorted(Path(sys.argv[1]).iterdir()):
    with own_input_index() as index, path.open("rb") as file:
        print(path.name, index.sha256(path, file))
"""


def test_processes_learn_side_by_side(home, tmp_path, reads):
    for name in "abc":
        for number in range(40):
            write(tmp_path / name / f"{number}.png", f"{name}{number}".encode())
    digest(write(tmp_path / "first.png"))
    reads.clear()
    started = [subprocess.Popen([sys.executable, "-c", LEARN, tmp_path / name]) for name in "abca"]
    assert [process.wait(60) for process in started] == [0] * 4
    for name in "abc":
        for number in range(40):
            assert digest(tmp_path / name / f"{number}.png") == sha256(f"{name}{number}".encode())
    assert reads == []


def test_processes_that_start_it_together_are_right(home, tmp_path):
    write(tmp_path / "a" / "a.png")
    command = [sys.executable, "-c", LEARN, tmp_path / "a"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {process.communicate(timeout=60)[0] for process in started} == {f"a.png {sha256(b'bytes')}\n"}
    with own_input_index() as index:
        assert index and index.places(sha256(b"bytes")) == [tmp_path / "a" / "a.png"]

"""Only regular files are opened, at once; names that not every system takes are told."""

import os
import signal
import socket
from pathlib import Path

import pytest

from stylepipe.paths import name_reason, open_regular, require_regular


@pytest.fixture(autouse=True)
def in_time():
    """Whatever waits fails after some seconds."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_a_file_and_a_link_to_one_are_read(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"content"


def test_nothing_else_is_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    Path("folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for name, reason in {
            "pipe": "it is a named pipe, not a regular file",
            "link": "it is a named pipe, not a regular file",
            "folder": "it is a folder, not a regular file",
            "socket": "it is a socket, not a regular file",
            "/dev/zero": "it is a device, not a regular file",
            "none": "No such file or directory",
            "a\0b": "no file can have this name here",
            "x" * 300: "File name too long",
        }.items():
            for check in (open_regular, require_regular):
                with pytest.raises(OSError) as caught:
                    check(Path(name))
                assert caught.value.strerror == reason


def test_a_pipe_that_takes_the_place_of_a_file_meanwhile(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr("stylepipe.paths.require_regular", lambda path: None)
    with pytest.raises(OSError, match="it is a named pipe"):
        open_regular(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["photo.png", "été", "日本.png", ".hidden", "a b", "console.txt", "communal", "x" * 255])
def test_plain_names(name):
    assert name_reason(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\x7f",
        "a.",
        "a ",
        "CON",
        "nul.txt",
        "Com1.png",
        "lpt9",
        "aux .tar.gz",
        "x.png:stream",
        "a?",
    ],
)
def test_other_names(name):
    assert name_reason(name)

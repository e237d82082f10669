"""The content store: what is written is read back, what is damaged is found, one process computes a key."""

import errno
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Mask, digest
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.store import Action, Damaged, Store
from stylepipe.errors import StoreError

MASK = Mask(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4))
DOCUMENT = {"stage": "trial", "params": {"x": 0.1, "n": 2}, "inputs": {"image": "image:aa"}}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "cache")


def action(document=DOCUMENT, output="", **more) -> Action:
    return Action(key=key_of(document), document=document, output=output, recipe="trial", node="n", **more)


def fill(store: Store) -> Action:
    with store.session() as session:
        picture = session.attach(lambda path: path.write_bytes(b"picture"), ".png")
        made = action(output=session.put(MASK), attachments={"picture": picture}, seconds=1.5, iterations=3)
        session.commit(made)
    return made


def files(store: Store) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file() and path.name != "gate.lock")


def test_what_is_stored_is_found_again(store):
    made = fill(store)
    assert made.output == digest(MASK)
    assert store.find(made.key) == made
    assert np.array_equal(store.load(made.output).values, MASK.values)
    assert store.read(made.attachments["picture"]) == b"picture"


def test_a_store_that_does_not_exist_is_empty_and_is_not_made_by_reading(store):
    assert store.find("00") is None
    assert store.latest("recipe", "node") is None
    assert not store.root.exists()


def test_an_action_without_its_output_is_not_found(store):
    with store.session() as session:
        session.commit(action(output="00"))
    assert store.find(key_of(DOCUMENT)) is None
    assert store.action(key_of(DOCUMENT)) is not None


def test_stored_files_are_read_only_and_nothing_else_is_left(store):
    made = fill(store)
    found = files(store)
    assert found == sorted(
        [
            store.action_path(made.key),
            store.object_path(f"{made.output}.safetensors"),
            store.object_path(made.attachments["picture"]),
        ]
    )
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o444}


def test_the_last_key_of_a_node_is_remembered(store):
    made = fill(store)
    with store.session() as session:
        session.remember("trial", "n", "00")
        session.remember("trial", "n", made.key)
    assert store.latest("trial", "n") == made
    assert store.latest("trial", "other") is None
    assert store.latest("other", "n") is None


@pytest.mark.parametrize("damage", ["flip a bit", "truncate", "empty"])
@pytest.mark.parametrize("what", ["object", "attachment", "action"])
def test_a_damaged_file_is_moved_aside_and_can_be_written_again(store, what, damage):
    made = fill(store)
    path, read = {
        "object": (store.object_path(f"{made.output}.safetensors"), lambda: store.load(made.output)),
        "attachment": (store.object_path(made.attachments["picture"]), lambda: store.read(made.attachments["picture"])),
        "action": (store.action_path(made.key), lambda: store.find(made.key)),
    }[what]
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.chmod(0o644)
    path.write_bytes({"flip a bit": bytes(data), "truncate": bytes(data[:-2]), "empty": b""}[damage])
    with pytest.raises(Damaged, match="was damaged and has been moved aside"):
        read()
    assert not path.exists()
    assert len(list((store.root / "quarantine").iterdir())) == 1
    assert fill(store) == made.model_copy(update={"created": store.find(made.key).created})
    read()


def test_a_missing_object_is_said_to_be_missing(store):
    made = fill(store)
    store.object_path(f"{made.output}.safetensors").unlink()
    with pytest.raises(Damaged, match="is missing"):
        store.load(made.output)


def test_what_a_dead_process_left_is_swept_away_by_the_next_session(store, worker):
    assert worker("die", store.root).wait(20) == -9
    assert [path.read_bytes() for path in files(store) if path.suffix == ".png"] == [b"half"]
    with store.session():
        assert len(list((store.root / "sessions").iterdir())) == 1
    assert files(store) == []


@pytest.mark.slow
def test_sessions_of_several_processes_may_begin_and_end_together(store, worker):
    others = [worker("open_and_close", store.root, 300) for _ in range(3)]
    for other in others:
        assert other.stdout.readline() == "ready\n"
    for other in others:
        other.stdin.write("go\n")
        other.stdin.flush()
    assert [other.wait(60) for other in others] == [0, 0, 0]
    assert list((store.root / "sessions").iterdir()) == []


def test_a_session_outlives_its_store(store):
    with store.session():
        shutil.rmtree(store.root)
    assert not store.root.exists()


def test_a_key_is_held_by_one_process_at_a_time(store, worker):
    other = worker("hold", store.root, "k")
    assert other.stdout.readline() == "held\n"
    waits: list[float] = []

    def waiting(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            other.kill()

    with store.session() as session, session.exclusive("k", waiting=waiting) as work:
        assert work == store.root / "work" / "k"
    assert waits[0] == 0
    assert waits == sorted(waits)
    assert len(waits) >= 3
    assert list((store.root / "locks").iterdir()) == []


def test_waiting_can_be_given_up(store):
    entered, leave = threading.Event(), threading.Event()

    def hold_here() -> None:
        with store.session() as session, session.exclusive("k", waiting=lambda seconds: None):
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=hold_here)
    thread.start()
    assert entered.wait(20)

    def give_up(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), store.session() as session, session.exclusive("k", waiting=give_up):
        pass
    leave.set()
    thread.join()


# --- disks that do not take it ----------------------------------------------------------------------------------------


def nothing_is_half_written(store: Store, before: list[Path]) -> None:
    assert [path for path in files(store) if path.parent.parent != store.root / "sessions"] == before


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "there is no space left on the disk"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_a_failing_disk_is_told_in_words_and_loses_nothing(store, monkeypatch, call, number, words):
    fill(store)
    before = files(store)

    def fail(*args):
        raise OSError(number, os.strerror(number))

    with store.session() as session:
        monkeypatch.setattr(*{"fsync": (os, "fsync", fail), "replace": (Path, "replace", fail)}[call])
        for write in (
            lambda: session.put(Mask(MASK.values / 2)),
            lambda: session.attach(lambda path: path.write_bytes(b"other"), ".png"),
            lambda: session.commit(action({"stage": "other"})),
        ):
            with pytest.raises(StoreError) as caught:
                write()
            assert caught.value.message == f"The cache '{store.root}' cannot be used: {words}."
            assert "STYLEPIPE_CACHE" in caught.value.hint
        monkeypatch.undo()
    nothing_is_half_written(store, before)


def test_a_really_full_disk(tmp_path):
    """On a tmpfs of 200 kB, where the tests may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", disk], check=False, capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        store = Store(disk / "cache")
        made = fill(store)
        before = files(store)
        with store.session() as session:
            with pytest.raises(StoreError, match="there is no space left on the disk"):
                session.put(Mask(np.zeros((300, 300), np.float32)))
            with pytest.raises(StoreError, match="there is no space left on the disk"):
                session.attach(lambda path: path.write_bytes(bytes(10**6)), ".png")
        nothing_is_half_written(store, before)
        assert store.find(made.key) == made
        store.load(made.output)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_limit_on_the_size_of_files(store, worker):
    said, _ = worker("limited", store.root).communicate()
    assert said.endswith("cannot be used: a file would exceed the allowed size.\n")
    nothing_is_half_written(store, [])


@pytest.mark.parametrize("place", ["file", "file/cache", "dangling/cache"])
def test_a_folder_that_cannot_be_made(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "at" / "all")
    with pytest.raises(StoreError, match=r"cannot be used: ") as caught, Store(tmp_path / place).session():
        pass
    assert "STYLEPIPE_CACHE" in caught.value.hint

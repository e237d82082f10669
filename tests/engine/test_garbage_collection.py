"""Listing, verifying and collecting what the store holds."""

import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Mask
from stylepipe.engine import garbage_collection
from stylepipe.engine.cache.file_locks import try_lock
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.store import Action, Store
from stylepipe.engine.garbage_collection import Collected, collect, entries, verify

DAY = 86400.0


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "cache")


def add(store: Store, name: str, *, pixels: int = 1000, days_ago: float = 0, value: float = 0, picture: bytes = b"") -> Action:
    """An action that was used some days ago, with an output of 4 bytes a pixel."""
    with store.session() as session:
        document = {"stage": name}
        made = Action(
            key=key_of(document),
            document=document,
            output=session.put(Mask(np.full((1, pixels), value, np.float32))),
            attachments={"picture": session.attach(lambda path: path.write_bytes(picture), ".png")} if picture else {},
            recipe="trial",
            node=name,
        )
        session.commit(made)
        session.remember("trial", name, made.key)
    paths = [store.action_path(made.key), store.object_path(f"{made.output}.safetensors")]
    for path in [*paths, *map(store.object_path, made.attachments.values())]:
        os.utime(path, (time.time() - days_ago * DAY,) * 2)
    return made


def names(store: Store) -> set[str]:
    return {entry.action.node for entry in entries(store)}


def objects(store: Store) -> list[Path]:
    return [path for path in (store.root / "objects").rglob("*") if path.is_file()]


def test_entries_come_with_their_size_the_one_used_last_first(store):
    old, new = add(store, "old", days_ago=2, pixels=500), add(store, "new", days_ago=1, picture=b"1234")
    found = entries(store)
    assert [entry.action for entry in found] == [new, old]
    assert 4004 < found[0].size < 4304
    assert 2000 < found[1].size < 2300
    assert found[0].used - found[1].used == pytest.approx(DAY, abs=60)


def test_an_empty_store_has_nothing(store):
    assert entries(store) == []
    assert verify(store).checked == 0
    assert collect(store, max_size=0) == Collected(0, 0, 0)
    assert not store.root.exists()


def test_a_sound_store_is_verified(store):
    add(store, "a", value=1)
    add(store, "b", value=2, picture=b"1234")
    report = verify(store)
    assert report.checked == 5
    assert report.damaged == ()


def test_every_kind_of_damage_is_found_once(store):
    made = [add(store, "a", value=1), add(store, "b", value=2, picture=b"1234"), add(store, "c", value=3)]
    damaged = [
        store.object_path(f"{made[0].output}.safetensors"),
        store.object_path(made[1].attachments["picture"]),
        store.action_path(made[2].key),
    ]
    for path in damaged:
        data = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 255]))
    report = verify(store)
    assert report.checked == 7
    assert sorted(report.damaged) == sorted(
        [
            f"A stored result was damaged and has been moved aside ({made[0].output[:12]}…).",
            f"A stored file was damaged and has been moved aside ({made[1].attachments['picture'][:12]}…).",
            f"A stored record was damaged and has been moved aside ({made[2].key[:12]}…).",
        ]
    )
    assert verify(store).damaged == ()
    assert not any(path.exists() for path in damaged)


def test_collecting_by_age(store):
    for age in (1, 5, 20):
        add(store, f"{age} days", days_ago=age, value=age, picture=b"%d" % age)
    collected = collect(store, max_age=timedelta(days=6))
    assert names(store) == {"1 days", "5 days"}
    assert collected.actions == 1
    assert collected.removed_bytes > 4000
    assert len(objects(store)) == 4
    assert len(list((store.root / "latest").iterdir())) == 2


def test_collecting_everything_by_age(store):
    add(store, "a", days_ago=0.001)
    assert collect(store, max_age=timedelta(0)).kept_bytes == 0


def test_an_action_whose_output_is_gone_goes_too(store):
    made = add(store, "a", days_ago=1, picture=b"1234")
    store.object_path(f"{made.output}.safetensors").unlink()
    collect(store)
    assert store.action(made.key) is None
    assert objects(store) == []


def test_collecting_by_size_drops_what_was_used_longest_ago(store):
    for age in (3, 1, 2, 4):
        add(store, str(age), days_ago=age, value=age)
    collect(store, max_size=9000)
    assert names(store) == {"1", "2"}
    collect(store, max_size=0)
    assert names(store) == set()
    assert objects(store) == []


def test_an_object_that_two_actions_share_counts_once_and_stays_with_either(store):
    add(store, "a", days_ago=1, value=7)
    kept = add(store, "b", days_ago=9, value=7)
    collect(store, max_size=5000)
    assert names(store) == {"a", "b"}
    collect(store, max_age=timedelta(days=3))
    assert names(store) == {"a"}
    store.load(kept.output)


def test_collecting_without_limits_takes_only_what_is_of_no_use(store):
    add(store, "a", days_ago=900, value=1)
    with store.session() as session:
        session.attach(lambda path: path.write_bytes(b"named by no action"), ".png")
    (store.root / "quarantine").mkdir()
    (store.root / "quarantine" / "x").write_bytes(b"1234")
    time.sleep(0.02)  # the files' clock goes in steps
    collect(store)
    assert names(store) == {"a"}
    assert len(objects(store)) == 1
    assert list((store.root / "quarantine").iterdir()) == []


def test_what_a_running_process_used_stays(store):
    unused, used = add(store, "unused", days_ago=90, value=1), add(store, "used", days_ago=90, value=2)
    with store.session() as session:
        assert session.use(used.key) == used
        output = session.put(Mask(np.ones((5, 5), np.float32)))  # stored, its action not yet
        collect(store, max_age=timedelta(days=1), max_size=0)
        assert names(store) == {"used"}
        store.load(used.output)
        store.load(output)
    assert store.find(unused.key) is None
    time.sleep(0.02)
    collect(store, max_size=0)
    assert names(store) == set()
    assert objects(store) == []


def test_unfinished_work_stays_unless_it_is_old_or_done(store):
    finished = add(store, "finished")
    ages = {"old": 30, "new": 1, "old and running": 30, finished.key: 0}
    for name, days in ages.items():
        folder = store.root / "work" / name
        folder.mkdir()
        (folder / "state.safetensors").write_bytes(b"1234")
        os.utime(folder, (time.time() - days * DAY,) * 2)
    lock = try_lock(store.root / "locks" / "old and running")
    collect(store, max_age=timedelta(days=10))
    os.close(lock)
    assert {path.name for path in (store.root / "work").iterdir()} == {"new", "old and running"}


def test_compiled_programs_go_by_age(store):
    add(store, "a")
    (store.root / "xla").mkdir()
    for name, days in {"old": 30, "new": 1}.items():
        (store.root / "xla" / name).write_bytes(b"1234")
        os.utime(store.root / "xla" / name, (time.time() - days * DAY,) * 2)
    collect(store, max_age=timedelta(days=10))
    assert {path.name for path in (store.root / "xla").iterdir()} == {"new"}


def test_a_program_goes_with_its_checksum_which_is_newer(store):
    add(store, "a")
    folder = store.root / "xla"
    folder.mkdir()
    for name, days in {"jit_old-cache": 2, "jit_old-cache.sha256": 0, "jit_new-cache": 0, "jit_new-cache.sha256": 0}.items():
        (folder / name).write_bytes(b"1234")
        os.utime(folder / name, (time.time() - days * DAY,) * 2)
    collect(store, max_age=timedelta(days=1))
    assert {path.name for path in folder.iterdir()} == {"jit_new-cache", "jit_new-cache.sha256"}


def test_files_of_others_in_the_folder_stay(store):
    add(store, "a")
    (store.root / "weights").mkdir()
    (store.root / "weights" / "vgg19.h5").write_bytes(b"1234")
    collected = collect(store, max_age=timedelta(0), max_size=0)
    assert (store.root / "weights" / "vgg19.h5").exists()
    assert collected.kept_bytes == 0


def test_what_a_running_process_used_stays_whatever_the_clock_does(store):
    """The clock was set back a day since the session began: nothing used since is as new as its beginning."""
    used = add(store, "used", days_ago=90, value=1, picture=b"1234")
    with store.session() as session:
        os.utime(session.folder / "lock", (time.time() + DAY,) * 2)
        os.utime(store.root / "gate.lock", (time.time() + DAY,) * 2)
        assert session.use(used.key) == used
        made = add(store, "made", value=2)
        output = session.put(Mask(np.ones((5, 5), np.float32)))  # stored, its action not yet
        session.commit(made)
        for path in (store.root / "objects").glob("*/*"):
            os.utime(path, (time.time() - DAY,) * 2)
        collect(store, max_age=timedelta(0), max_size=0)
        assert names(store) == {"used", "made"}
        store.load(output)
        assert store.read(used.attachments["picture"]) == b"1234"


def test_nothing_that_vanishes_meanwhile_is_an_error(store, monkeypatch):
    """Another collection removes a file between the moment it is listed and the moment it is looked at."""
    add(store, "a", value=1)
    (store.root / "work" / "b").mkdir()
    listed = garbage_collection.files_below

    def list_and_remove(folder: Path) -> list[Path]:
        paths = listed(folder)
        for path in paths:
            path.unlink()
        return paths

    monkeypatch.setattr(garbage_collection, "files_below", list_and_remove)
    assert entries(store) == []
    assert verify(store) == garbage_collection.Verified(0, ())
    assert collect(store, max_size=0).actions == 0


@pytest.mark.slow
def test_collections_beside_everything_else_that_happens_in_a_cache(tmp_path, worker):
    """Sessions that compute and use, two collections, listings, verifications and lookups at once: nobody notices others."""
    kinds = ["run", "run", "run", "gc", "gc", "ls", "verify", "latest"]
    processes = [worker("bustle", tmp_path / "cache", kind, number, 4) for number, kind in enumerate(kinds)]
    said = [process.communicate()[0] for process in processes]
    assert said == ["nothing\n"] * len(kinds)

"""Caches of a group, caches that can only be read, and what is no cache: what another user can do there."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Mask
from stylepipe.engine.cache.cache_access import may_write, open_cache, open_cache_to_run
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.store import Action, Damaged, Store
from stylepipe.engine.garbage_collection import collect, entries, verify
from stylepipe.errors import StoreError

GROUP = 54321
ALICE, BOB = 12345, 12346


def write(store: Store, name: str, *, leave: bool = False) -> Action:
    """Computes something, as a run does; with `leave` it is stopped before the work folder is emptied."""
    document = {"stage": name}
    with store.session() as session, session.exclusive(key_of(document), waiting=print) as work:
        (work / "state.safetensors").write_bytes(name.encode())
        output = session.put(Mask(np.full((2, 3), len(name), np.float32)))
        made = Action(key=key_of(document), document=document, output=output, recipe="trial", node=name)
        session.commit(made)
        session.remember("trial", name, made.key)
        if not leave:
            shutil.rmtree(work)
    return made


@contextmanager
def flight(store: Store, name: str) -> Iterator[Path]:
    with store.session() as session, session.exclusive(key_of({"stage": name}), waiting=print) as work:
        yield work


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def common(umask) -> Iterator[Path]:
    """A folder that all users may enter, and the group may write."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shared = Path(folder) / "cache"
        shared.mkdir()
        if os.geteuid() == 0:
            os.chown(shared, 0, GROUP)
        shared.chmod(0o2775)
        yield shared


@contextmanager
def user(number: int) -> Iterator[None]:
    """What the block does is done by another user of the group."""
    if os.geteuid() != 0:
        pytest.skip("only root can be other users")
    groups = os.getgroups()
    os.setgroups([GROUP])
    os.setegid(number)
    os.seteuid(number)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o077])
def test_a_group_may_write_whatever_is_below_a_folder_that_it_may_write(common, umask, mask):
    umask(mask)
    write(Store(common), "a")
    (common / "locks" / "left").touch()
    with Store(common).session() as session, session.exclusive("left", waiting=print):
        made = [common, *common.rglob("*")]
        modes = {path.relative_to(common).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in made}
        assert all(modes[name] == 0o2775 for name, path in zip(modes, made, strict=True) if path.is_dir()), modes
        for name in ("gate.lock", "locks/left", f"{session.folder.relative_to(common)}/lock"):
            assert modes[name] & 0o660 == 0o660, name


def test_nobody_else_may_write_a_cache_of_one_s_own(tmp_path, umask):
    umask(0o077)
    write(Store(tmp_path / "cache"), "a")
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in (tmp_path / "cache").rglob("*") if path.is_dir())


@pytest.mark.parametrize("mask", [0o002, 0o077])
def test_a_second_user_uses_adds_verifies_and_collects(common, umask, mask):
    umask(mask)
    with user(ALICE):
        made = write(Store(common), "a")
    os.utime(Store(common).action_path(made.key), (1e9, 1e9))
    with user(BOB):
        store = open_cache_to_run(common)
        assert store.read_only is None
        with store.session() as session:
            assert session.use(made.key) == made
        assert entries(store)[0].used > 1.5e9  # an age that only the owner of a file may set
        assert store.latest("trial", "a") == made
        write(store, "b")
        assert verify(store).damaged == ()
    with user(ALICE):
        write(Store(common), "bb")
        assert collect(Store(common), max_size=0).actions == 3
    assert entries(Store(common)) == []


def test_a_second_user_goes_on_with_what_the_first_has_begun(common, umask):
    umask(0o077)
    with user(ALICE):
        write(Store(common), "a", leave=True)
    with user(BOB), flight(Store(common), "a") as work:
        assert work.stat().st_uid == BOB
        assert not (work / "state.safetensors").exists()  # it may not be read, and is begun again
        (work / "state.safetensors").write_bytes(b"b")
    umask(0o002)
    with user(ALICE):
        write(Store(common), "bb", leave=True)
    with user(BOB), flight(Store(common), "bb") as work:
        assert (work / "state.safetensors").read_bytes() == b"bb"
        (work / "state.safetensors").write_bytes(b"more")


def test_another_user_s_living_session_stays(common):
    with user(ALICE):
        store = Store(common)
        with store.session() as session:
            output = session.put(Mask(np.ones((5, 5), np.float32)))
            os.seteuid(0)
            with user(BOB):
                collect(Store(common), max_size=0)
            store.load(output)
            os.seteuid(ALICE)


# --- a cache that can only be read ------------------------------------------------------------------------------------


@pytest.fixture
def read_only(common) -> Iterator[Path]:
    """A cache of root's with a result, in which nobody else may write."""
    common.chmod(0o755)
    write(Store(common), "kept")
    yield common
    for path in [common, *common.rglob("*")]:
        path.chmod(0o755)


def test_results_of_a_cache_that_can_only_be_read_are_used_and_new_ones_kept_elsewhere(read_only, monkeypatch):
    before = sorted(read_only.rglob("*"))
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o777)
        monkeypatch.setenv("XDG_CACHE_HOME", home)
        with user(BOB):
            assert not may_write(read_only)
            store = open_cache_to_run(read_only)
            assert (store.root, store.read_only) == (Path(home) / "stylepipe", read_only)
            with store.session() as session:
                kept = session.use(key_of({"stage": "kept"}))
                assert kept
                store.load(kept.output)
                assert store.latest("trial", "kept") == kept
            new = write(store, "new")
            assert store.find(new.key) == new
            assert store.object_path(f"{new.output}.safetensors").is_relative_to(home)
    assert sorted(read_only.rglob("*")) == before


def test_what_is_damaged_in_a_cache_that_can_only_be_read_is_made_again(read_only, monkeypatch):
    (path,) = (read_only / "objects").glob("*/*")
    path.chmod(0o644)
    path.write_bytes(b"")
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o777)
        monkeypatch.setenv("XDG_CACHE_HOME", home)
        with user(BOB):
            store = open_cache_to_run(read_only)
            with pytest.raises(Damaged, match=r"is damaged and cannot be removed"):
                store.load(path.stem)
            store.load(write(store, "kept").output)
    assert path.exists()


def test_a_cache_that_can_only_be_read_and_holds_nothing_is_of_no_use(common):
    common.chmod(0o555)
    with user(BOB):
        store = open_cache_to_run(common)
        with pytest.raises(StoreError, match="cannot be used: permission is denied"), store.session():
            pass


def test_a_user_without_a_cache_of_their_own_gets_one_among_temporary_files(read_only, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o1777)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        with user(BOB):
            assert open_cache_to_run(read_only).root == Path(folder) / f"stylepipe-{BOB}"


# --- what is no cache -------------------------------------------------------------------------------------------------


def test_what_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name, reason in {"file": "it is not a folder", "link": "it is a link to a missing folder"}.items():
        for attempt in (open_cache, open_cache_to_run):
            with pytest.raises(StoreError, match=f"The cache '.*{name}' cannot be used: {reason}"):
                attempt(tmp_path / name)
    assert open_cache(tmp_path / "missing").root == tmp_path / "missing"


def test_a_folder_that_may_not_be_read(common):
    common.chmod(0o700)
    with user(BOB), pytest.raises(StoreError, match=r"cannot be used: it cannot be read\. .*STYLEPIPE_CACHE"):
        open_cache(common)

"""Compiled programs: kept where this user alone may write, and used only as they were compiled."""

import os
from pathlib import Path

import pytest

from stylepipe.engine.cache.compiled_programs import check_programs, compiled_programs, programs, programs_folders
from stylepipe.engine.garbage_collection import collect, verify


@pytest.fixture
def kept(lab) -> Path:
    """The folder of programs of a run, and two programs in it."""
    lab.run(lab.chain())
    folder = lab.store.root / "xla"
    for name in "ab":
        (folder / f"jit_{name}-cache").write_bytes(name.encode() * 9)
    with compiled_programs(lab.store.root, "float32"):
        pass
    assert [path.name for path in programs(folder)][:2] == ["jit_a-cache", "jit_b-cache"]
    return folder


def test_programs_have_checksums_once_a_stage_has_ended(kept):
    assert check_programs(kept, unfinished=True) == []
    assert {(kept / f"{path.name}.sha256").is_file() for path in programs(kept)} == {True}


@pytest.mark.parametrize("damage", ["exchange", "truncate", "rename", "checksum"])
def test_what_is_not_as_it_was_compiled_goes(lab, kept, damage):
    a, b = kept / "jit_a-cache", kept / "jit_b-cache"
    match damage:
        case "exchange":
            a.rename(kept / "c"), b.rename(a), (kept / "c").rename(b)
        case "truncate":
            a.write_bytes(a.read_bytes()[:-1]), b.write_bytes(b"")
        case "rename":
            for end in ("", ".sha256"):
                (kept / f"jit_a-cache{end}").replace(kept / f"jit_b-cache{end}")
        case "checksum":
            for path in (a, b):
                path.with_name(f"{path.name}.sha256").write_bytes(b"0" * 64)
    said = verify(lab.store).damaged
    assert said
    assert all(line.startswith("A compiled program was damaged and has been removed (jit_") for line in said)
    assert not b.exists()
    assert not a.exists()
    assert verify(lab.store).damaged == ()


def test_what_a_killed_process_has_left_without_a_checksum_goes_before_others_use_it(kept):
    (kept / "jit_half-cache").write_bytes(b"half")
    assert check_programs(kept) == []
    assert (kept / "jit_half-cache").exists()  # its process may still be at work
    check_programs(kept, unfinished=True)
    assert not (kept / "jit_half-cache").exists()


def test_a_cache_that_others_may_write_holds_none(tmp_path, monkeypatch, lab):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    for mode in (0o2775, 0o777):
        lab.store.root.mkdir(exist_ok=True)
        lab.store.root.chmod(mode)
        lab.run(lab.chain(), force=True)
        assert not (lab.store.root / "xla").exists()
        own = tmp_path / "own" / "stylepipe" / "xla"
        assert own.stat().st_mode & 0o777 == 0o700
        assert own in programs_folders(lab.store.root)


def test_a_folder_that_others_may_replace_holds_none(tmp_path, monkeypatch, lab):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    lab.root.chmod(0o777)
    lab.run(lab.chain())
    assert not (lab.store.root / "xla").exists()


def test_a_link_or_another_user_s_folder_is_not_used(tmp_path, monkeypatch, lab):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    (tmp_path / "theirs").mkdir()
    lab.store.root.mkdir()
    (lab.store.root / "xla").symlink_to(tmp_path / "theirs")
    lab.run(lab.chain())
    assert list((tmp_path / "theirs").iterdir()) == []
    if os.geteuid() == 0:
        (lab.store.root / "xla").unlink()
        (lab.store.root / "xla").mkdir()
        os.chown(lab.store.root / "xla", 12345, 12345)
        lab.run(lab.chain(), force=True)
        assert list((lab.store.root / "xla").iterdir()) == []


def test_programs_are_collected_by_age_wherever_they_are(tmp_path, monkeypatch, lab):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    lab.store.root.mkdir()
    lab.store.root.chmod(0o2775)
    lab.run(lab.chain())
    old = tmp_path / "own" / "stylepipe" / "xla" / "jit_old-cache"
    old.write_bytes(b"1234")
    os.utime(old, (1e9, 1e9))
    collect(lab.store)
    assert old.exists()
    from datetime import timedelta

    collect(lab.store, max_age=timedelta(days=10))
    assert not old.exists()

"""The commands cache ls, gc and verify."""

import os
import re
import time
from pathlib import Path

import pytest

from stylepipe.engine.cache.atomic_files import remove


def test_ls_lists_the_last_used_first(cli):
    assert cli("cache", "ls").out == "The cache is empty.\n"
    assert cli("cache", "ls", "--json").data == []
    cli("run", "recipe.yaml")
    said = cli("cache", "ls")
    lines = [re.sub(" +", " ", line) for line in said.out.splitlines()]
    assert lines[0] == "key recipe stage size took used"
    assert re.fullmatch(r"[0-9a-f]{12} toy \w+ 0\.0 MB \d\.\d s \d{4}-\d\d-\d\d \d\d:\d\d", lines[1])
    entries = cli("cache", "ls", "--json").data
    assert sorted(entry["node"] for entry in entries) == ["bright", "bright_again", "dark", "photo"]
    assert [entry["used"] for entry in entries] == sorted((entry["used"] for entry in entries), reverse=True)
    assert all(len(entry["key"]) == 64 and entry["recipe"] == "toy" for entry in entries)
    assert {entry["node"] for entry in entries if entry["size"] == 0} == {"photo"}  # an input is shown by its own file


def test_gc_by_age(cli, home):
    cli("run", "recipe.yaml")
    month_ago = time.time() - 30 * 86_400
    for path in (home.parent / "cache" / "actions").rglob("*.action"):
        os.utime(path, (month_ago, month_ago))
    assert cli("cache", "gc", "--days", "31", "--json").data["actions"] == 0
    said = cli("cache", "gc", "--days", "29")
    assert said.code == 0
    assert re.fullmatch(r"Removed 4 results, \d\.\d MB; kept 0\.0 MB\.\n", said.out)
    assert cli("cache", "ls", "--json").data == []


def test_gc_by_size(cli):
    cli("run", "recipe.yaml")
    assert cli("cache", "gc", "--size", "1 GB", "--json").data["actions"] == 0
    collected = cli("cache", "gc", "--size", "0.001MB", "--json").data
    assert collected["actions"] > 0
    assert collected["removed_bytes"] > 0
    assert collected["kept_bytes"] >= 0
    assert sum(entry["size"] for entry in cli("cache", "ls", "--json").data) <= 1000
    assert cli("cache", "gc", "--size", "0kb").code == 0
    assert cli("cache", "ls").out == "The cache is empty.\n"


def test_verify_finds_damage_moves_it_aside_and_ends_in_exit_code_4(cli, home):
    cli("run", "recipe.yaml")
    said = cli("cache", "verify")
    assert (said.code, said.err) == (0, "")
    assert re.fullmatch(r"\d+ files read, 0 damaged\.\n", said.out)
    damaged = max((home.parent / "cache" / "objects").rglob("*.safetensors"))
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    said = cli("cache", "verify")
    assert said.code == 4
    assert said.out.splitlines()[0] == f"A stored result was damaged and has been moved aside ({damaged.name[:12]}…)."
    assert said.out.splitlines()[1].endswith(" files read, 1 damaged.")
    assert cli("cache", "verify", "--json").data["damaged"] == []
    assert cli("run", "recipe.yaml").code == 0


def test_another_cache(cli):
    cli("run", "recipe.yaml", "--cache", "kept")
    assert cli("cache", "ls").out == "The cache is empty.\n"
    assert len(cli("cache", "ls", "--cache", "kept", "--json").data) == 4
    assert cli("cache", "verify", "--cache", "kept", "--json").data["checked"] > 0
    assert cli("cache", "gc", "--cache", "kept", "--size", "0MB", "--json").data["actions"] == 4


@pytest.mark.parametrize(
    "stray", ["objects/ab/cdef", "work/thesis/chapter.txt", "quarantine/virus", "sessions/user", "latest/post.md"]
)
@pytest.mark.parametrize(
    "command", [("cache", "gc"), ("cache", "gc", "--days", "1"), ("cache", "verify"), ("cache", "ls"), ("run", "recipe.yaml")]
)
def test_a_folder_of_another_program_is_no_cache(cli, home, command, stray):
    """A Git folder has `objects`, and `work` is anybody's: looking after a cache would remove what is in them."""
    file = home / "project" / stray
    file.parent.mkdir(parents=True)
    file.write_text("precious")
    os.utime(file, (1e9, 1e9))
    said = cli(*command, "--cache", "project")
    assert said.code == 1
    assert said.err.endswith(
        f"error: 'project' is not a cache of stylepipe: '{Path(stray).parts[0]}' in it is not stylepipe's.\n"
        "hint: Choose an empty folder, or a new one.\n"
    )
    assert [path for path in (home / "project").rglob("*") if path.is_file()] == [file]
    assert file.read_text() == "precious"


@pytest.mark.parametrize("lost", ["gate.lock", "actions"])
def test_a_cache_that_has_lost_a_part_is_one_all_the_same(cli, home, lost):
    assert cli("run", "recipe.yaml", "-q").code == 0
    remove(home.parent / "cache" / lost)
    assert cli("run", "recipe.yaml", "-q").code == 0
    assert cli("cache", "verify").code == 0


def test_a_folder_with_other_things_in_it_may_be_a_cache(cli, home):
    (home / "shared" / "weights").mkdir(parents=True)
    (home / "shared" / "weights" / "notes.txt").write_text("mine")
    (home / "shared" / "objects").mkdir()
    assert cli("run", "recipe.yaml", "-q", "--cache", "shared").code == 0
    assert cli("cache", "gc", "--days", "0", "--cache", "shared").code == 0
    assert (home / "shared" / "weights" / "notes.txt").read_text() == "mine"

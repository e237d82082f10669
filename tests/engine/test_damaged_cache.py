"""Whatever the cache's files and folders are replaced with: it is looked after, planned with and computed with all the same."""

import os
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stylepipe.engine.garbage_collection import collect, entries, verify

DEEP = b"[" * 200_000 + b"]" * 200_000


def replaced(path: Path, make: Callable[[Path], object]) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    make(path)


DAMAGES: Mapping[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(random.Random(7).randbytes(300)),
    "empty": lambda path: path.write_bytes(b""),
    "deep": lambda path: path.write_bytes(b"0" * 64 + b"\n" + DEEP),
    "folder": lambda path: (path / "x").mkdir(parents=True),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "pipe": os.mkfifo,
    "unreadable": lambda path: (path.write_bytes(b"x"), path.chmod(0)),
    "gone": lambda path: None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_any_file_replaced(lab, damage):
    """Each kind of file in turn: actions, objects, pictures, remembered names, the gate, leftovers of sessions and locks."""
    wanted = lab.run(lab.chain()).record.outputs["result"].digest
    (lab.store.root / "quarantine").mkdir()
    (lab.store.root / "quarantine" / "q").touch()
    (lab.store.root / "locks" / ("a" * 64)).touch()
    (lab.store.root / "work" / ("a" * 64)).mkdir()
    (lab.store.root / "sessions" / "old").mkdir()
    files = [path for path in sorted(lab.store.root.rglob("*")) if path.is_file() and path.parent.name != "xla"]
    folders = [lab.store.root / name for name in ("quarantine", "work", "work/" + "a" * 64, "sessions/old", "latest")]
    for path in [*files, *folders]:
        replaced(path, DAMAGES[damage])
        if damage.startswith("link") and path in folders:
            path.unlink()  # a link in a folder's place is somebody's intention, and is not moved away
        entries(lab.store)
        lab.plan(lab.chain())
        assert lab.run(lab.chain()).record.outputs["result"].digest == wanted, path
    verify(lab.store)
    collect(lab.store)
    assert lab.run(lab.chain()).record.outputs["result"].digest == wanted
    assert verify(lab.store).damaged == ()


@pytest.mark.parametrize("seed", range(5))
def test_many_replaced_at_random(lab, seed):
    chance = random.Random(seed)
    wanted = lab.run(lab.chain()).record.outputs["result"].digest
    for _ in range(4):
        files = [path for path in lab.store.root.rglob("*") if path != lab.store.root / "xla" and path.parent.name != "xla"]
        for path in chance.sample(sorted(files), min(4, len(files))):
            if not os.path.lexists(path) or not path.parent.is_dir():
                continue
            kinds = [kind for kind in DAMAGES if not (kind.startswith("link") and path.is_dir())]
            replaced(path, DAMAGES[chance.choice(kinds)])
        for look in chance.sample([lambda: entries(lab.store), lambda: verify(lab.store), lambda: collect(lab.store)], 2):
            look()
        lab.plan(lab.chain())
        assert lab.run(lab.chain()).record.outputs["result"].digest == wanted
    verify(lab.store)
    assert verify(lab.store).damaged == ()


def test_names_in_an_action_do_not_lead_out_of_the_store(lab):
    """Whoever may write a shared cache can make a sound action, but none that has others move files of theirs aside."""
    import hashlib
    import json

    own = lab.root / "letters.txt"
    own.write_text("mine")
    lab.run(lab.chain())
    for path in sorted((lab.store.root / "actions").glob("*/*")):
        action = json.loads(path.read_bytes().split(b"\n", 1)[1])
        action["attachments"] = {"picture": "../../../letters.txt"}
        if action["output"]:
            action["output"] = "../../../letters.txt"
        text = json.dumps(action).encode()
        path.chmod(0o644)
        path.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
    lab.run(lab.chain())
    verify(lab.store)
    assert own.read_text() == "mine"

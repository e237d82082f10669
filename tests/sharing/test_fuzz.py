"""Recipes, pictures, bundles and records with any damage are read, or refused with an error of the family."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylepipe.engine.inputs import WeightsSource
from stylepipe.engine.runs.records import load_run
from stylepipe.errors import StylepipeError, WeightsError
from stylepipe.recipe.load import load_recipe
from stylepipe.report.page import render
from stylepipe.sharing.bundle import contents_of
from stylepipe.sharing.crate import crate_of
from stylepipe.sharing.unpacking import inputs_of, unpack

from .hostile import RECIPE, bundle, chunk, itxt, picture, png, record, sha256

FUZZ = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

KEYS = st.sampled_from(["format", "id", "recipe", "status", "started", "seconds", "seed", "params", "environment", "command",
                        "inputs", "stages", "outputs", "error", "failures"])  # fmt: skip
TEXTS = st.text(max_size=8) | st.sampled_from(["..", "/", "\x1b", ""])
LEAVES = st.none() | st.booleans() | st.integers() | st.just(10**30) | st.floats() | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


def weights() -> WeightsSource:
    def find(name: str) -> Path:
        raise WeightsError(f"There are no weights '{name}'.")

    return WeightsSource(find, lambda path: pytest.fail("nothing is read"))


def damaged(data: st.DataObject, content: bytes) -> bytes:
    """The bytes with some changed, cut out or put in."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        changed[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    return bytes(changed)


def survives(act: Callable[[], object]) -> None:
    try:
        act()
    except StylepipeError as error:
        assert str(error)


def run_shared(path: Path, folder: Path) -> None:
    """All that running a picture or a bundle does before its stages run."""
    folder.mkdir()
    provenance = unpack(path, folder, weights())
    inputs_of(provenance, folder, overrides={}, folders=[path.parent], weights=weights())


@pytest.fixture
def fresh(tmp_path) -> Callable[[], Path]:
    """A new folder at each call."""
    made = iter(range(10**6))

    def make() -> Path:
        folder = tmp_path / str(next(made))
        folder.mkdir()
        return folder

    return make


@FUZZ
@given(data=st.data())
def test_recipes(fresh, data):
    path = fresh() / "recipe.yaml"
    path.write_bytes(damaged(data, RECIPE.encode()))
    survives(lambda: load_recipe(path))


SAID = {
    "format": 1,
    "name": "look",
    "recipe": RECIPE,
    "inputs": {"photo": {"kind": "image", "reference": "photo.png", "sha256": sha256(png())}},
    "environment": {"stylepipe": "0.1"},
    "outputs": {"sharp": "0" * 64},
}


@FUZZ
@given(data=st.data())
def test_pictures(fresh, data):
    folder = fresh()
    told: dict[str, Any] = {**SAID, **data.draw(st.dictionaries(st.sampled_from(list(SAID)), VALUES, max_size=2))}
    text = json.dumps(told).encode()
    if data.draw(st.booleans()):
        text = damaged(data, text)
    content = picture(chunk(b"iTXt", itxt(zlib.compress(text))))
    (folder / "look.png").write_bytes(damaged(data, content) if data.draw(st.booleans()) else content)
    (folder / "photo.png").write_bytes(png())
    survives(lambda: run_shared(folder / "look.png", folder / "to"))


@FUZZ
@given(data=st.data())
def test_bundles(fresh, data):
    folder = fresh()
    changed = {
        "record.json": json.dumps({**json.loads(record()), **data.draw(st.dictionaries(KEYS, VALUES, max_size=2))}).encode(),
        "resolved.yaml": damaged(data, RECIPE.encode()) if data.draw(st.booleans()) else RECIPE.encode(),
    }
    content = bundle(changed)
    (folder / "look.stylepipe").write_bytes(damaged(data, content) if data.draw(st.booleans()) else content)
    survives(lambda: run_shared(folder / "look.stylepipe", folder / "to"))


STAGE = {
    "stage": "sharpen", "params": {"amount": 1}, "inputs": {"image": "photo"}, "key": "0" * 64, "cached": False,
    "reasons": ["it was forced"], "computed": "2026-01-01T00:00:00+00:00", "seconds": 1.0, "iterations": None,
    "output": "0" * 64, "file": "02-sharp.png",
}  # fmt: skip
RECORD = {
    **json.loads(record()),
    "stages": {"sharp": STAGE},
    "outputs": {"sharp": {"stage": "sharp", "digest": "0" * 64, "file": "sharp.png"}},
}
EVENT = {"time": 1.0, "event": "progress", "stage": "sharp", "done": 1, "total": 2, "loss": 0.5, "terms": {"a": 0.5}}


@FUZZ
@given(data=st.data())
def test_folders_of_runs(fresh, data):
    """Records with other values in any place, and logs of odd lines: read, reported, bundled and made a crate of."""
    folder = fresh()
    told = json.loads(json.dumps(RECORD))
    for _ in range(data.draw(st.integers(0, 2))):
        place: Any = told
        while isinstance(place, dict) and place:
            key = data.draw(st.sampled_from(sorted(place)))
            if not isinstance(place[key], dict) or data.draw(st.booleans()):
                place[key] = data.draw(VALUES)
                break
            place = place[key]
    (folder / "record.json").write_text(json.dumps(told))
    lines = [{**EVENT, "event": "stage started"}, *({**EVENT, **change} for change in data.draw(st.lists(
        st.dictionaries(st.sampled_from(list(EVENT)), VALUES, max_size=2), max_size=4)))]  # fmt: skip
    (folder / "events.jsonl").write_bytes(b"\n".join([json.dumps(line).encode() for line in lines]))
    (folder / "resolved.yaml").write_bytes(damaged(data, RECIPE.encode()) if data.draw(st.booleans()) else RECIPE.encode())
    (folder / "recipe.yaml").write_text(RECIPE)
    for name in ("photo.png", "sharp.png", "02-sharp.png"):
        (folder / name).write_bytes(png())
    survives(lambda: load_run(folder))
    survives(lambda: render(folder))
    survives(lambda: crate_of(contents_of(folder, overrides={}, folders=[folder], weights=weights()), folder))


def test_a_picture_of_very_many_chunks_is_refused_at_once(fresh):
    folder = fresh()
    (folder / "look.png").write_bytes(picture(chunk(b"prVt", b"") * 2_000_000))
    with pytest.raises(StylepipeError, match="is damaged, or no PNG file"):
        run_shared(folder / "look.png", folder / "to")

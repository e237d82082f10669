"""Inputs during a run: shown by their own files without metadata, read when they are needed, not held longer."""

import gc
import weakref
from functools import partial

import numpy as np
import PIL.Image
import pytest

from stylepipe.engine import inputs, runner
from stylepipe.engine.events import EngineNote
from stylepipe.engine.execution.held_artifacts import HeldArtifacts
from stylepipe.errors import InputError
from stylepipe.image.files import io
from stylepipe.recipe.resolved import PICTURE_ENDINGS

LEVELS = np.uint8(np.random.default_rng(0).random((60, 80, 3)) * 255)


def picture(lab, name, **options):
    PIL.Image.fromarray(LEVELS).save(lab.folder / name, **options)
    return lab.input("content", "image", name)


def recipe_of(lab, file):
    return lab.recipe([file], [lab.node("brighter", "add", {"image": "content"}, amount=0.1)])


def notes(lab):
    return [event.text for event in lab.events if isinstance(event, EngineNote)]


def private_exif():
    exif = PIL.Image.Exif()
    exif[0x013B] = "Mr Secret"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    return exif


@pytest.mark.parametrize("name", ["photo.jpg", "photo.JPEG", "photo.webp", "photo.png"])
def test_a_picture_is_shown_by_its_own_file_without_metadata(lab, name):
    file = picture(lab, name, exif=private_exif())
    first, second = lab.run(recipe_of(lab, file)), lab.run(recipe_of(lab, file))
    shown = first.folder / first.record.inputs["content"].file
    assert shown.name == f"01-content{name[5:].lower()}"
    assert abs(shown.stat().st_size - (lab.folder / name).stat().st_size) < 300
    assert b"Secret" not in shown.read_bytes()
    with PIL.Image.open(shown) as opened:
        assert not dict(opened.getexif())
    np.testing.assert_array_equal(io.read_image(shown).pixels, io.read_image(lab.folder / name).pixels)
    assert (second.folder / shown.name).read_bytes() == shown.read_bytes()


@pytest.mark.parametrize("name", ["photo.tif", "photo.gif", "photo.bmp", "photo.avif"])
def test_other_formats_are_drawn_once(lab, monkeypatch, name):
    file = picture(lab, name)
    first = lab.run(recipe_of(lab, file))
    monkeypatch.setattr(io, "decode", None)
    second = lab.run(recipe_of(lab, file))
    assert first.record.inputs["content"].file == second.record.inputs["content"].file == "01-content.png"
    assert (second.folder / "01-content.png").read_bytes() == (first.folder / "01-content.png").read_bytes()


def test_a_file_that_ends_early_is_noted_in_every_run(lab):
    file = picture(lab, "photo.jpg")
    path = lab.folder / "photo.jpg"
    path.write_bytes(path.read_bytes()[:-2])
    for _ in range(2):
        result = lab.run(recipe_of(lab, file))
        (note,) = notes(lab)
        assert note.startswith("Input 'content': 'photo.jpg' ends early: its end marker is missing")
        assert note in (result.folder / "events.jsonl").read_text()
    assert lab.calls == []


def test_a_file_that_ends_early_in_a_folder_is_noted_once(lab):
    (lab.folder / "photos").mkdir()
    picture(lab, "photos/a.jpg")
    path = lab.folder / "photos" / "a.jpg"
    path.write_bytes(path.read_bytes()[:-2])
    told: list[str] = []
    found = inputs.find_input(lab.input("content", "folder", "photos"), lab.weights)
    folder = inputs.read_input(found, lab.weights, note=told.append)
    for _ in range(3):
        folder.read("a.jpg")
    assert len(told) == 1


def test_a_damaged_picture_is_known_before_anything_runs(lab):
    file = lab.image("late", 1)
    path = lab.folder / "late.png"
    path.write_bytes(path.read_bytes()[:80])
    late = lab.node("mixed", "mix", {"first": "brighter", "second": "late"})
    early = lab.node("brighter", "add", {"image": "content"}, amount=0.1)
    with pytest.raises(InputError, match=r"'late\.png' is damaged"):
        lab.run(lab.recipe([lab.image("content", 2), file], [early, late]))
    assert lab.calls == []


def test_inputs_and_results_beyond_the_budget_are_not_held(lab, monkeypatch):
    """Ten inputs, each used first by one stage and again at the end: at most two pictures are held beside a stage's own."""
    alive: list[weakref.ref] = []
    most = 0

    def counted(path, **options):
        image = io.read_image(path, **options)
        alive.append(weakref.ref(image))
        return image

    def count(event):
        nonlocal most
        gc.collect()  # what is in a cycle is dropped too
        most = max(most, sum(reference() is not None for reference in alive))

    monkeypatch.setattr(inputs, "_reader", lambda kind, weights, note: partial(counted, note=note))
    monkeypatch.setattr(runner, "HeldArtifacts", lambda: HeldArtifacts(2 * 6 * 8 * 12))
    gc.freeze()  # only what is new is looked at
    files = [lab.image(f"photo{number}", number) for number in range(10)]
    first = [lab.node(f"first{n}", "add", {"image": f"photo{n}"}, amount=0.1) for n in range(10)]
    last = [lab.node(f"last{n}", "mix", {"first": f"photo{n}", "second": f"first{n}"}) for n in range(10)]
    outputs = {f"out{n}": f"last{n}" for n in range(10)}
    result = runner.run(
        lab.job(lab.recipe(files, [*first, *last], **outputs)), store=lab.store, outputs=lab.outputs, observe=count
    )
    gc.unfreeze()
    assert result.record.status == "done"
    assert most <= 3
    assert len(alive) <= 30


def test_the_recipe_language_and_the_reader_know_the_same_endings():
    assert set(PICTURE_ENDINGS) == set(io.ENDINGS)

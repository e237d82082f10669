"""Whole runs of tiny recipes: what runs, what is taken from the store, what is left behind."""

import getpass
import json
import os
import signal
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from stylepipe.artifacts import Image, Weights, digest, load
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.store import Store
from stylepipe.engine.events import (
    EngineNote,
    PreviewSaved,
    RunEnded,
    RunStarted,
    StageCached,
    StageEmitted,
    StageFinished,
    StageStarted,
)
from stylepipe.engine.garbage_collection import verify
from stylepipe.engine.runner import run
from stylepipe.engine.runs.records import list_runs
from stylepipe.errors import InputError, Interrupted, StageError, StoreError, UsageError
from stylepipe.stage import Emit, Note, Params, Progress, stage


def pixels(path: Path) -> np.ndarray:
    with Pillow.open(path) as picture:
        return np.asarray(picture)


def events_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def outputs_of(result) -> dict[str, str]:
    return {name: output.digest for name, output in result.record.outputs.items()}


def notes(lab) -> list[str]:
    return [event.text for event in lab.events if isinstance(event, EngineNote)]


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])


# --- what a run leaves --------------------------------------------------------------------------------------------------


def test_a_run_leaves_numbered_pictures_the_result_and_a_record(lab):
    result = lab.run(lab.chain())
    names = sorted(path.name for path in result.folder.iterdir())
    pictures = ["01-content.png", "02-brighter.png", "03-rounded.png", "04-darker.png"]
    assert names == [*pictures, "events.jsonl", "recipe.yaml", "record.json", "resolved.yaml", "result.png"]
    assert lab.calls == ["add", "posterize", "add"]
    content = pixels(lab.folder / "content.png") / np.float32(255)
    expected = np.clip(np.rint(np.clip(content + np.float32(0.1), 0, 1)) - np.float32(0.2), 0, 1)
    assert np.array_equal(pixels(result.outputs["result"]), np.rint(expected * 255))
    assert np.array_equal(pixels(result.folder / "01-content.png"), pixels(lab.folder / "content.png"))


def test_the_events_are_told_and_logged(lab):
    recipe = lab.recipe([lab.image("content", 1)], [lab.node("halved", "descend", {"image": "content"}, steps=2)])
    result = lab.run(recipe)
    kinds = [type(event) for event in lab.events]
    steps = [StageEmitted, PreviewSaved] * 2
    assert kinds == [RunStarted, StageStarted, *steps, StageEmitted, StageFinished, RunEnded]
    emitted = [type(event.event) for event in lab.events if isinstance(event, StageEmitted)]
    assert emitted == [Progress, Progress, Note]
    logged = events_of(result.folder)
    assert [event["event"] for event in logged] == [
        "run started", "stage started", "progress", "progress", "note", "stage finished", "run ended",
    ]  # fmt: skip
    mean = float((pixels(lab.folder / "content.png") / np.float32(255)).mean())
    assert logged[2]["loss"] == pytest.approx(mean / 2, rel=1e-6)
    assert logged[3]["terms"]["content"] > 0
    assert logged[4]["text"] == "All steps are done."
    assert all(first["time"] <= second["time"] for first, second in pairwise(logged))
    assert result.record.stages["halved"].iterations == 2


def test_a_cached_stage_shows_its_animation_and_its_losses_again(lab):
    recipe = lab.recipe([lab.image("content", 1)], [lab.node("halved", "descend", {"image": "content"}, steps=3)])
    first, second = lab.run(recipe), lab.run(recipe)
    assert lab.calls == []
    assert first.record.stages["halved"].animation == "02-halved.webp"
    assert (second.folder / "02-halved.webp").read_bytes() == (first.folder / "02-halved.webp").read_bytes()
    with Pillow.open(second.folder / "02-halved.webp") as animation:
        assert animation.n_frames == 3
    before = [e for e in events_of(first.folder) if e["event"] == "progress"]
    again = [e for e in events_of(second.folder) if e["event"] == "progress"]
    assert [e.pop("earlier") for e in again] == [True] * 3
    for event in [*before, *again]:
        del event["time"]
    assert again == before


def test_masks_are_shown_and_weights_are_given_as_a_file(lab):
    recipe = lab.recipe(
        [lab.image("content", 1), lab.image("style", 2), lab.mask("region")],
        [
            lab.node("mixed", "mix", {"first": "content", "second": "style", "region": "region"}),
            lab.node("trained", "train", {"image": "mixed"}),
        ],
        picture="mixed",
        network="trained",
    )
    result = lab.run(recipe)
    assert pixels(result.folder / "03-region.png").shape == (6, 8)
    assert result.outputs["picture"].name == "picture.png"
    network = load(result.outputs["network"])
    assert isinstance(network, Weights)
    assert digest(network) == result.record.outputs["network"].digest
    assert lab.run(recipe).outputs["network"].read_bytes() == result.outputs["network"].read_bytes()
    assert lab.calls == []


def test_nothing_in_a_run_s_folder_names_this_machine(lab, monkeypatch):
    monkeypatch.setenv("HOME", str(lab.root))
    recipe = lab.recipe([lab.image("content", 1)], [lab.node("halved", "descend", {"image": "content"}, steps=3, fail_at=2)])
    lab.run(lab.chain())
    with pytest.raises(StageError) as caught:
        lab.run(recipe)
    assert str(Path.cwd()) in caught.value.message
    forbidden = [str(lab.root), str(Path.cwd()), str(Path.home()), f"/{getpass.getuser()}/", "/tmp", os.sys.prefix]
    looked_at = [path for path in lab.outputs.rglob("*") if path.is_file()]
    assert {"traceback.txt", "record.json", "events.jsonl", "resolved.yaml"} <= {path.name for path in looked_at}
    for path in looked_at:
        for text in forbidden:
            assert text.encode() not in path.read_bytes(), (path.name, text)


# --- what is taken from the store ---------------------------------------------------------------------------------------


def test_a_second_run_computes_nothing_reads_nothing_and_gives_the_same(lab, monkeypatch):
    recipe = lab.chain()
    first = lab.run(recipe)
    monkeypatch.setattr(Store, "load", lambda *args: pytest.fail("an object was loaded"))
    monkeypatch.setattr("PIL.Image.open", lambda *args: pytest.fail("an input was decoded"))
    monkeypatch.setattr("PIL.Image.Image.save", lambda *args, **options: pytest.fail("a picture was encoded"))
    second = lab.run(recipe)
    assert lab.calls == []
    assert second.folder != first.folder
    assert second.record.outputs == first.record.outputs
    assert [type(event) for event in lab.events] == [RunStarted, *[StageCached] * 3, RunEnded]
    for name in ("01-content.png", "02-brighter.png", "03-rounded.png", "04-darker.png", "result.png"):
        assert (second.folder / name).read_bytes() == (first.folder / name).read_bytes()


def test_a_change_runs_only_what_is_below(lab):
    lab.run(lab.chain())
    result = lab.run(lab.chain(second=0.4))
    assert lab.calls == ["add"]
    assert result.record.stages["darker"].reasons == ("amount: -0.2 → -0.4",)


def test_an_equal_result_leaves_what_is_below_cached(lab):
    """The content is brightened by next to nothing: the rounded picture is the same, so that the last stage need not run."""
    lab.run(lab.chain(first=0.1))
    result = lab.run(lab.chain(first=0.1000001))
    assert lab.calls == ["add", "posterize"]
    assert [stage.cached for stage in result.record.stages.values()] == [False, False, True]


def test_inputs_that_change_places_give_another_result(lab):
    inputs = [lab.image("content", 1), lab.image("style", 2)]
    one = lab.run(lab.recipe(inputs, [lab.node("mixed", "mix", {"first": "content", "second": "style"})]))
    other = lab.run(lab.recipe(inputs, [lab.node("mixed", "mix", {"first": "style", "second": "content"})]))
    assert outputs_of(one) != outputs_of(other)
    row = lab.run(lab.recipe(inputs, [lab.node("row", "join", {"images": ("content", "style")})]))
    swapped = lab.run(lab.recipe(inputs, [lab.node("row", "join", {"images": ("style", "content")})]))
    assert outputs_of(row) != outputs_of(swapped)
    assert lab.calls == ["join"]


def test_the_seed_counts_where_there_is_chance(lab):
    def noisy(seed):
        return lab.recipe([lab.image("content", 1)], [lab.node("noisy", "noise", {"image": "content"})], seed=seed)

    one, same, other = (lab.run(noisy(seed)) for seed in (1, 1, 2))
    assert outputs_of(one) == outputs_of(same) != outputs_of(other)
    lab.run(lab.chain(seed=1))
    lab.run(lab.chain(seed=2))
    assert lab.calls == []


def test_two_stages_that_compute_the_same_run_once(lab):
    twins = [lab.node(name, "add", {"image": "content"}, amount=0.5) for name in ("one", "two")]
    recipe = lab.recipe([lab.image("content", 1)], [*twins, lab.node("row", "join", {"images": ("one", "two")})])
    lab.run(recipe)
    assert lab.calls == ["add", "join"]


def test_forcing_computes_again(lab):
    lab.run(lab.chain())
    result = lab.run(lab.chain(), force=["rounded"])
    assert lab.calls == ["posterize"]
    assert result.record.stages["rounded"].reasons == ("it was forced",)
    lab.run(lab.chain(), force=True)
    assert lab.calls == ["add", "posterize", "add"]


def test_a_part_of_a_recipe(lab):
    result = lab.run(lab.chain(), until="rounded")
    assert lab.calls == ["add", "posterize"]
    assert result.outputs == {}
    assert (result.folder / "03-rounded.png").exists()
    lab.run(lab.chain(first=0.1), start="darker")
    assert lab.calls == ["add"]
    with pytest.raises(UsageError, match="The stage 'brighter' comes before the first one to run"):
        lab.run(lab.chain(first=0.4), start="darker")
    assert lab.calls == []


def test_what_nothing_needs_does_not_run(lab):
    lab.run(replace(lab.chain(), outputs={"result": "brighter"}))
    assert lab.calls == ["add"]


def test_pictures_of_a_run_can_be_edited_without_harm_to_the_store(lab):
    first = lab.run(lab.chain())
    for path in first.folder.glob("*.png"):
        path.write_bytes(b"edited")
    assert verify(lab.store).damaged == ()
    second = lab.run(lab.chain())
    assert pixels(second.outputs["result"]).shape == (6, 8, 3)


# --- damage -------------------------------------------------------------------------------------------------------------


def test_a_damaged_object_is_made_again_where_it_is_needed(lab):
    first = lab.run(lab.chain())
    spoil(lab.store.object_path(f"{first.record.stages['rounded'].output}.safetensors"))
    result = lab.run(lab.chain(second=0.5))
    assert lab.calls == ["posterize", "add"]
    assert any("was damaged and has been moved aside" in note for note in notes(lab))
    assert verify(lab.store).damaged == ()
    lab.store = Store(lab.root / "fresh cache")
    assert outputs_of(lab.run(lab.chain(second=0.5))) == outputs_of(result)


def test_a_damaged_object_that_nothing_needs_is_left_alone(lab):
    first = lab.run(lab.chain())
    spoil(lab.store.object_path(f"{first.record.stages['brighter'].output}.safetensors"))
    lab.run(lab.chain())
    assert lab.calls == []


def test_a_damaged_picture_is_drawn_again(lab):
    first = lab.run(lab.chain())
    pictures = list((lab.store.root / "objects").rglob("*.png"))
    assert len(pictures) == 3  # the input's own file is shown
    for path in pictures:
        spoil(path)
    second = lab.run(lab.chain())
    assert lab.calls == []
    for name in ("01-content.png", "03-rounded.png", "result.png"):
        assert (second.folder / name).read_bytes() == (first.folder / name).read_bytes()
    assert verify(lab.store).damaged == ()


def test_a_picture_and_its_object_damaged_together(lab):
    first = lab.run(lab.chain())
    action = lab.store.find(first.record.stages["darker"].key)
    spoil(lab.store.object_path(action.attachments["picture"]))
    spoil(lab.store.object_path(f"{action.output}.safetensors"))
    second = lab.run(lab.chain())
    assert lab.calls == ["add"]
    assert second.outputs["result"].read_bytes() == first.outputs["result"].read_bytes()


def test_a_damaged_record_means_computing_again(lab):
    first = lab.run(lab.chain())
    spoil(lab.store.action_path(first.record.stages["rounded"].key))
    second = lab.run(lab.chain())
    assert lab.calls == ["posterize"]
    assert outputs_of(second) == outputs_of(first)


# --- failure ------------------------------------------------------------------------------------------------------------


def failing(lab, **steps):
    return lab.recipe(
        [lab.image("content", 1)],
        [lab.node("brighter", "add", {"image": "content"}), lab.node("halved", "descend", {"image": "brighter"}, **steps)],
    )


def test_a_failed_run_keeps_what_it_had_and_says_why(lab):
    with pytest.raises(StageError) as caught:
        lab.run(failing(lab, steps=5, fail_at=2))
    assert caught.value.exit_code == 1
    ((folder, record),) = list_runs(lab.outputs)
    assert record.status == "failed"
    assert record.error.stage == "halved"
    assert record.error.message == "Stage 'halved' failed with RuntimeError: no luck in x.bin."
    assert list(record.stages) == ["brighter"]
    assert (folder / "02-brighter.png").exists()
    assert not (folder / "result.png").exists()
    traceback = (folder / "traceback.txt").read_text()
    assert "RuntimeError: no luck in x.bin" in traceback
    assert ", in descend" in traceback
    assert events_of(folder)[-1]["status"] == "failed"
    lab.run(lab.chain())  # the store is in order
    assert verify(lab.store).damaged == ()


def test_a_failed_stages_last_frame_is_kept_in_the_runs_folder(lab):
    for fail_at, last_frame in ((2, "03-halved.last.png"), (0, None)):
        with pytest.raises(StageError):
            lab.run(failing(lab, steps=5, fail_at=fail_at))
        folder, record = list_runs(lab.outputs)[0]
        assert record.error.last_frame == last_frame
        assert [path.name for path in folder.glob("*.last.png")] == ([last_frame] if last_frame else [])
        if last_frame:  # two steps, each of which halves all pixels
            assert np.abs(pixels(folder / last_frame) - pixels(folder / "02-brighter.png") / 4).max() <= 1


def test_a_picture_that_cannot_be_decoded_fails_the_run_with_its_place(lab):
    recipe = lab.chain()
    data = (lab.folder / "content.png").read_bytes()
    (lab.folder / "content.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"^recipe\.yaml:3:5: input 'content': 'content\.png' is damaged"):
        lab.run(recipe)
    ((folder, record),) = list_runs(lab.outputs)
    assert record.status == "failed"
    assert record.error.stage is None
    assert not (folder / "traceback.txt").exists()


def test_a_missing_input_is_said_before_anything_is_made(lab):
    recipe = lab.chain()
    (lab.folder / "content.png").unlink()
    with pytest.raises(InputError, match="there is no such file"):
        lab.run(recipe)
    assert not lab.outputs.exists()
    assert not lab.store.root.exists()


def test_an_output_folder_that_cannot_be_made(lab):
    lab.outputs.write_text("a file")
    with pytest.raises(StoreError) as caught:
        lab.run(lab.chain())
    assert caught.value.message == f"The output folder '{lab.outputs}' cannot be used: it is not a folder."
    assert lab.calls == []


def test_a_cache_that_cannot_be_made_is_said_before_anything_runs(lab):
    lab.store = Store(lab.folder / "content.png" / "cache")
    with pytest.raises(StoreError, match=r"The cache '.*' cannot be used: it is not a folder"):
        lab.run(lab.chain())
    assert lab.calls == []
    assert not lab.outputs.exists()


def test_a_disk_that_fills_up_in_the_middle(lab, monkeypatch):
    recipe = lab.chain()
    lab.run(recipe, until="brighter")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stylepipe.engine.cache.store.artifacts.save", full)
    with pytest.raises(StoreError, match="there is no space left on the disk"):
        lab.run(recipe)
    monkeypatch.undo()
    record = list_runs(lab.outputs)[0][1]
    assert (record.status, list(record.stages)) == ("failed", ["brighter"])
    assert verify(lab.store).damaged == ()
    lab.run(recipe)
    assert lab.calls == ["posterize", "add"]


def test_an_observer_s_error_is_not_swallowed(lab):
    def observe(event):
        if isinstance(event, StageFinished):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(lab.job(lab.chain()), store=lab.store, outputs=lab.outputs, observe=observe)
    assert list_runs(lab.outputs)[0][1].status == "failed"


def test_a_run_outside_the_main_thread(lab):
    results = []
    thread = threading.Thread(target=lambda: results.append(lab.run(lab.chain())))
    thread.start()
    thread.join()
    assert results[0].record.status == "done"


# --- interruption -------------------------------------------------------------------------------------------------------


def interrupting(lab, at: int, times: int = 1):
    """An observer that presses Ctrl-C when a stage has done `at` steps."""

    def observe(event):
        lab.events.append(event)
        if isinstance(event, StageEmitted) and isinstance(event.event, Progress) and event.event.done == at:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    return observe


def stop_at(lab, recipe, at: int, times: int = 1) -> Interrupted:
    lab.calls.clear()
    with pytest.raises(Interrupted) as caught:
        run(lab.job(recipe), store=lab.store, outputs=lab.outputs, observe=interrupting(lab, at, times))
    return caught.value


def test_ctrl_c_saves_the_state_and_the_next_run_goes_on_from_there(lab):
    recipe = failing(lab, steps=6)
    error = stop_at(lab, recipe, at=3)
    assert str(error) == "Stage 'halved': Stopped; its state is saved. Run the same command again to resume."
    assert error.exit_code == 130
    assert lab.calls == ["add", "descend", "step 0", "step 1", "step 2"]
    (folder, record) = list_runs(lab.outputs)[0]
    assert (record.status, record.error.stage, list(record.stages)) == ("interrupted", "halved", ["brighter"])
    assert (folder / "02-brighter.png").exists()

    resumed = lab.run(recipe)
    assert lab.calls == ["descend", "step 3", "step 4", "step 5"]
    assert resumed.record.stages["halved"].iterations == 6
    assert [e["done"] for e in events_of(resumed.folder) if e["event"] == "progress"] == [1, 2, 3, 4, 5, 6]
    assert not list((lab.store.root / "work").iterdir())

    lab.store = Store(lab.root / "fresh cache")
    undisturbed = lab.run(recipe)
    assert outputs_of(resumed) == outputs_of(undisturbed)
    for name in ("result.png", "03-halved.webp"):
        assert (resumed.folder / name).read_bytes() == (undisturbed.folder / name).read_bytes()


def test_ctrl_c_while_another_run_computes_changes_nothing_there(lab):
    recipe = lab.chain()
    job = lab.job(recipe)

    def observe(event):
        if isinstance(event, EngineNote):
            os.kill(os.getpid(), signal.SIGINT)

    key = key_of(job.stage_document("brighter", job.input_digests()))
    with lab.store.session() as session, session.exclusive(key, waiting=lambda seconds: None) as work:
        with pytest.raises(Interrupted):
            run(job, store=lab.store, outputs=lab.outputs, observe=observe)
        assert work.is_dir()
        assert [*work.iterdir()] == []


def test_a_second_ctrl_c_stops_at_once(lab):
    recipe = failing(lab, steps=6)
    assert str(stop_at(lab, recipe, at=3, times=2)).startswith("Stopped at once.")
    assert list_runs(lab.outputs)[0][1].status == "interrupted"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    lab.run(recipe)
    assert lab.calls[:2] == ["descend", "step 0"]


def test_a_stage_without_checkpoints_stops_where_it_next_says_something(lab):
    @stage(version=1)
    def talk(image: Image, params: Params, *, emit: Emit) -> Image:
        """Says three things."""
        for done in (1, 2, 3):
            lab.calls.append(f"said {done}")
            emit(Progress(done, 3))
        return image

    lab.stages["talk"] = talk
    recipe = lab.recipe([lab.image("content", 1)], [lab.node("t", "talk", {"image": "content"})])
    stop_at(lab, recipe, at=2)
    assert lab.calls == ["said 1", "said 2"]


def test_a_damaged_checkpoint_means_beginning_again(lab):
    recipe = failing(lab, steps=4)
    stop_at(lab, recipe, at=2)
    (work,) = (lab.store.root / "work").iterdir()
    spoil(work / "state.safetensors")
    lab.run(recipe)
    assert lab.calls == ["descend", "step 0", "step 1", "step 2", "step 3"]
    assert "The saved state of an earlier run was damaged and is not used." in notes(lab)


def test_a_checkpoint_is_only_for_the_very_same_computation(lab):
    stop_at(lab, failing(lab, steps=6), at=3)
    lab.run(failing(lab, steps=5))
    assert lab.calls[:2] == ["descend", "step 0"]


def test_an_ignored_ctrl_c_stays_ignored(lab):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run(lab.job(failing(lab, steps=3)), store=lab.store, outputs=lab.outputs, observe=interrupting(lab, 1))
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert lab.calls[-1] == "step 2"

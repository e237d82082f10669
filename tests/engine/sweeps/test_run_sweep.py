"""Sweeps of tiny recipes: what their variants share runs once, and each comes out as it would alone."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stylepipe.engine.events import EngineNote, Event, StageCached, StageFailed, StageFinished, StageStarted
from stylepipe.engine.plan import plan
from stylepipe.engine.runs.records import RunRecord, load_run
from stylepipe.engine.sweeps.merge import SweepJob, prepare_sweep
from stylepipe.engine.sweeps.results import Measure, Measured, load_results
from stylepipe.engine.sweeps.run_sweep import SweepResult, run_sweep
from stylepipe.errors import InputError, Interrupted, UsageError
from stylepipe.recipe.load_variants import ResolvedSweep, Variant
from stylepipe.recipe.resolved import ResolvedRecipe


def swept(make: Callable[..., ResolvedRecipe], axes: Mapping[str, Sequence], combinations: Sequence[Mapping]) -> ResolvedSweep:
    """The sweep of recipes that `make` makes of each combination of values."""
    variants = []
    for values in combinations:
        name = "_".join(f"{axis}={value}" for axis, value in values.items())
        variants.append(Variant(name, values, replace(make(**values), params=values)))
    return ResolvedSweep(variants[0].recipe, axes, tuple(variants), {"stylepipe": 1})


def chains(lab, **axes: Sequence[float]) -> ResolvedSweep:
    """The lab's chain for every combination of the values of `first` and `second`."""
    first, second = (axes.get(name, default) for name, default in (("first", [0.1]), ("second", [0.2])))
    return swept(lab.chain, {"first": first, "second": second}, [{"first": f, "second": s} for f in first for s in second])


def prepared(lab, sweep: ResolvedSweep, **options: object) -> SweepJob:
    return prepare_sweep(sweep, weights=lab.weights, **options)


def unmeasured(record: RunRecord, folder: Path) -> Measured:
    return Measured()


def run(lab, sweep: ResolvedSweep, *, keep_going: bool = True, measure: Measure = unmeasured, **options: object) -> SweepResult:
    lab.calls.clear()
    lab.events.clear()
    job = prepared(lab, sweep, **options)
    return run_sweep(
        job, store=lab.store, outputs=lab.outputs, keep_going=keep_going, observe=lab.events.append, measure=measure
    )


def of_kind(lab, kind: type) -> list[str]:
    return [event.stage for event in lab.events if isinstance(event, kind)]


def statuses(result: SweepResult) -> dict[str, str]:
    return {variant.name: variant.status for variant in result.results.variants}


# --- merging ------------------------------------------------------------------------------------------------------------


def test_stages_that_variants_share_stand_once_in_the_graph(lab):
    job = prepared(lab, chains(lab, second=[0.2, 0.3, 0.4]))
    assert list(job.job.recipe.stages) == ["brighter", "rounded", "darker@0.2", "darker@0.3", "darker@0.4"]
    assert job.job.recipe.outputs == {f"first=0.1_second={value}": f"darker@{value}" for value in (0.2, 0.3, 0.4)}
    assert [dict(variant.stages) for variant in job.variants][1] == {
        "brighter": "brighter",
        "rounded": "rounded",
        "darker": "darker@0.3",
    }


def test_a_stage_is_named_after_the_values_it_depends_on(lab):
    job = prepared(lab, chains(lab, first=[0.1, 0.3], second=[0.2, 0.4]))
    assert list(job.job.recipe.stages) == [
        *("brighter@0.1", "rounded@0.1", "darker@0.1_0.2", "darker@0.1_0.4"),
        *("brighter@0.3", "rounded@0.3", "darker@0.3_0.2", "darker@0.3_0.4"),
    ]
    assert dict(job.job.recipe.stages["darker@0.3_0.4"].inputs) == {"image": "rounded@0.3"}


def test_inputs_that_differ_are_told_apart_and_read_once_each(lab):
    for number in (1, 2):
        lab.image(f"style{number}", number)

    def make(style: str, amount: float) -> ResolvedRecipe:
        nodes = [
            lab.node("mixed", "mix", {"first": "content", "second": "style"}),
            lab.node("bright", "add", {"image": "mixed"}, amount=amount),
        ]
        return lab.recipe([lab.image("content", 3), lab.input("style", "image", style)], nodes)

    styles = ["style1.png", "style2.png"]
    combinations = [{"style": style, "amount": amount} for style in styles for amount in (0.0, 0.1)]
    found = []
    from stylepipe.engine import inputs

    def find(*given):
        found.append(given)
        return inputs.find_input(*given)

    job = prepared(lab, swept(make, {"style": styles, "amount": [0.0, 0.1]}, combinations), find=find)
    assert list(job.job.inputs) == ["content", "style@style1.png", "style@style2.png"]
    assert list(job.job.recipe.stages) == [
        *("mixed@style1.png", "bright@style1.png_0.0", "bright@style1.png_0.1"),
        *("mixed@style2.png", "bright@style2.png_0.0", "bright@style2.png_0.1"),
    ]
    assert len(found) == 3


def test_variants_with_other_seeds_share_what_draws_no_random_numbers(lab):
    def make(seed: int) -> ResolvedRecipe:
        nodes = [lab.node("bright", "add", {"image": "content"}), lab.node("noisy", "noise", {"image": "bright"})]
        return lab.recipe([lab.image("content", 1)], nodes, seed=seed)

    sweep = swept(make, {"seed": [0, 1]}, [{"seed": 0}, {"seed": 1}])
    result = run(lab, sweep)
    assert lab.calls == ["add", "noise", "noise"]
    for variant, found in zip(sweep.variants, result.results.variants, strict=True):
        assert lab.run(variant.recipe).record.outputs["result"].digest == found.outputs["result"].digest
        assert lab.calls == []


def test_forced_stages_are_those_of_all_variants(lab):
    sweep = chains(lab, second=[0.2, 0.3])
    run(lab, sweep)
    run(lab, sweep, force=["darker"])
    assert lab.calls == ["add", "add"]
    with pytest.raises(UsageError, match="no stage 'drker'"):
        prepared(lab, sweep, force=["drker"])


# --- running ------------------------------------------------------------------------------------------------------------


def test_twelve_variants_of_a_late_stage_run_what_is_before_it_once(lab):
    values = [round(0.05 * number, 2) for number in range(1, 13)]
    result = run(lab, chains(lab, second=values))
    assert lab.calls == ["add", "posterize", *["add"] * 12]
    late = [f"darker@{value}" for value in values]
    assert of_kind(lab, StageStarted) == of_kind(lab, StageFinished) == ["brighter", "rounded", *late]
    assert of_kind(lab, StageCached) == []
    assert set(statuses(result).values()) == {"done"}
    assert len({variant.outputs["result"].digest for variant in result.results.variants}) == 12
    assert {variant.outputs["result"].file for variant in result.results.variants} <= {
        path.name for path in result.folder.iterdir()
    }


def test_each_variant_comes_out_as_it_would_alone(lab, tmp_path):
    sweep = chains(lab, first=[0.1, 0.3], second=[0.2, 0.4])
    result = run(lab, sweep)
    for variant, found in zip(sweep.variants, result.results.variants, strict=True):
        alone = lab.run(variant.recipe)
        assert lab.calls == []  # the keys are those of the variant by itself
        assert found.outputs["result"].digest == alone.record.outputs["result"].digest
        picture = result.folder / found.outputs["result"].file
        assert picture.read_bytes() == alone.outputs["result"].read_bytes()


def test_variants_that_come_to_the_same_picture_meet_again(lab):
    """Both round to the same two levels, so that what follows has one key."""
    result = run(lab, chains(lab, first=[0.0, 1e-6], second=[0.2]))
    assert lab.calls == ["add", "posterize", "add", "add", "posterize"]
    assert of_kind(lab, StageCached) == ["darker@1e-06"]
    assert len({variant.outputs["result"].digest for variant in result.results.variants}) == 1


def test_a_second_sweep_computes_nothing_and_has_the_same_table(lab):
    sweep = chains(lab, second=[0.2, 0.3])
    first, second = run(lab, sweep), run(lab, sweep)
    assert lab.calls == []
    assert (first.folder / "results.csv").read_bytes() == (second.folder / "results.csv").read_bytes()
    assert plan(prepared(lab, sweep).job, lab.store)["darker@0.3"].state == "cached"


def test_a_plan_compares_variants_with_the_last_run_of_the_recipe_alone(lab):
    sweep = chains(lab, second=[0.2, 0.3])
    assert plan(prepared(lab, sweep).job, lab.store)["darker@0.3"].seconds is None
    record = lab.run(lab.chain()).record
    planned = plan(prepared(lab, sweep).job, lab.store)
    assert {stage.name: stage.state for stage in planned.stages} == {
        "brighter": "cached",
        "rounded": "cached",
        "darker@0.2": "cached",
        "darker@0.3": "run",
    }
    assert planned["darker@0.3"].reasons == ("amount: -0.2 → -0.3",)
    assert planned["darker@0.3"].seconds == record.stages["darker"].seconds


def test_the_table_holds_parameters_losses_seconds_and_digests(lab):
    def make(steps: int) -> ResolvedRecipe:
        return lab.recipe([lab.image("content", 1)], [lab.node("halved", "descend", {"image": "content"}, steps=steps)])

    result = run(lab, swept(make, {"steps": [1, 3]}, [{"steps": 1}, {"steps": 3}]))
    rows = list(csv.DictReader(io.StringIO((result.folder / "results.csv").read_text())))
    assert [row["variant"] for row in rows] == ["steps=1", "steps=3"]
    assert [row["steps"] for row in rows] == ["1", "3"]
    assert float(rows[0]["loss halved"]) == pytest.approx(4 * float(rows[1]["loss halved"]), rel=1e-5)
    record = load_run(result.folder)
    assert [row["digest"] for row in rows] == [record.stages[f"halved@{steps}"].output for steps in (1, 3)]
    assert [float(row["seconds"]) for row in rows] == [record.stages[f"halved@{steps}"].seconds for steps in (1, 3)]
    assert [row["file"] for row in rows] == ["steps=1.png", "steps=3.png"]
    told = json.loads((result.folder / "results.json").read_text())
    assert told == result.results.model_dump(mode="json")
    assert told["axes"] == {"steps": [1, 3]}
    assert told["variants"][1]["losses"]["halved"]["done"] == 3
    assert told["sheets"] == ["00-contact-sheet.png"]


def test_results_are_measured_at_the_end_and_notes_are_kept_without_folders(lab):
    def measure(record: RunRecord, folder: Path) -> Measured:
        assert record.status == "done"
        values = {name: {"blue": (folder / output.file).stat().st_size / 2} for name, output in record.outputs.items()}
        return Measured({"blue": "pairs of bytes"}, dict(list(values.items())[:1]), ("/srv/somebody/last.png is too red.",))

    result = run(lab, chains(lab, second=[0.2, 0.3]), measure=measure)
    first, second = csv.DictReader(io.StringIO((result.folder / "results.csv").read_text()))
    assert list(first)[4] == "blue"
    assert (first["blue"], second["blue"]) == (str((result.folder / first["file"]).stat().st_size / 2), "")
    assert load_results(result.folder) == result.results
    assert result.results.measures == {"blue": "pairs of bytes"}
    *_, last = map(json.loads, (result.folder / "events.jsonl").read_text().splitlines())
    assert (last["event"], last["text"]) == ("note", "last.png is too red.")
    assert of_kind(lab, EngineNote) == [None]


def test_a_sweep_that_the_user_stops_is_not_measured(lab):
    def stopped(event: Event) -> None:
        if isinstance(event, StageFinished):
            raise KeyboardInterrupt

    def measure(record: RunRecord, folder: Path) -> Measured:
        raise NotImplementedError

    job = prepared(lab, chains(lab, second=[0.2, 0.3]))
    with pytest.raises(Interrupted):
        run_sweep(job, store=lab.store, outputs=lab.outputs, observe=stopped, measure=measure)
    (folder,) = lab.outputs.glob("*/*")
    results = load_results(folder)
    assert results is not None
    assert (results.measures, results.complete) == ({}, False)


def test_several_outputs_have_a_file_and_a_sheet_each(lab):
    sweep = chains(lab, second=[0.2, 0.3])
    variants = [
        replace(each, recipe=replace(each.recipe, outputs={"dark": "darker", "round": "rounded"})) for each in sweep.variants
    ]
    result = run(lab, replace(sweep, variants=tuple(variants)))
    assert [output.file for output in result.results.variants[1].outputs.values()] == [
        "first=0.1_second=0.3.dark.png",
        "first=0.1_second=0.3.round.png",
    ]
    assert result.results.sheets == ("00-contact-sheet-dark.png", "00-contact-sheet-round.png")


# --- failures -----------------------------------------------------------------------------------------------------------


def failing(lab) -> ResolvedSweep:
    """Descents of three steps that fail at step 1, at no step, and at step 2; something comes before and after."""

    def make(fail_at: int | None) -> ResolvedRecipe:
        nodes = [
            lab.node("bright", "add", {"image": "content"}),
            lab.node("halved", "descend", {"image": "bright"}, steps=3, fail_at=fail_at),
            lab.node("rounded", "posterize", {"image": "halved"}),
        ]
        return lab.recipe([lab.image("content", 1)], nodes)

    return swept(make, {"fail_at": [1, None, 2]}, [{"fail_at": value} for value in (1, None, 2)])


def test_a_sweep_keeps_going_without_what_fails(lab):
    result = run(lab, failing(lab))
    assert statuses(result) == {"fail_at=1": "failed", "fail_at=None": "done", "fail_at=2": "failed"}
    assert of_kind(lab, StageFailed) == ["halved@1", "halved@2"]
    assert of_kind(lab, StageFinished) == ["bright", "halved@null", "rounded@null"]
    notes = [event.text for event in lab.events if isinstance(event, EngineNote)]
    assert notes == ["It is skipped, because it needs 'halved@1'.", "It is skipped, because it needs 'halved@2'."]
    record = load_run(result.folder)
    assert (record.status, record.error, list(record.failures)) == ("failed", None, ["halved@1", "halved@2"])
    failure = record.failures["halved@2"]
    assert failure.message.startswith("Stage 'halved@2' failed with RuntimeError: no luck")
    assert failure.last_frame is not None
    assert (result.folder / failure.last_frame).is_file()
    assert (result.folder / "traceback.txt").read_text().count("RuntimeError: no luck") == 4  # each cause, and what it made
    assert not result.results.complete
    assert "no luck" in (result.folder / "results.csv").read_text()
    assert (result.folder / "00-contact-sheet.png").is_file()


def test_a_sweep_that_is_not_to_keep_going_ends_at_the_first_failure(lab):
    result = run(lab, failing(lab), keep_going=False)
    assert statuses(result) == {"fail_at=1": "failed", "fail_at=None": "not run", "fail_at=2": "not run"}
    assert of_kind(lab, StageStarted) == ["bright", "halved@1"]
    record = load_run(result.folder)
    assert record.error is not None
    assert (record.status, record.error.stage) == ("failed", "halved@1")


def test_a_sweep_that_ends_at_the_first_failure_delivers_what_is_cached(lab):
    sweep = failing(lab)
    run(lab, sweep)
    result = run(lab, sweep, keep_going=False)
    assert statuses(result) == {"fail_at=1": "failed", "fail_at=None": "done", "fail_at=2": "not run"}
    assert not [call for call in lab.calls if call in ("add", "posterize")]
    assert (result.folder / result.results.variants[1].outputs["result"].file).is_file()
    assert load_run(result.folder).stages["rounded@null"].cached


def test_a_sweep_that_ends_at_an_input_that_cannot_be_decoded_says_so(lab):
    bad, good = lab.image("bad", 2), lab.image("good", 1)
    path = lab.folder / bad.reference

    def make(photo: str) -> ResolvedRecipe:
        return lab.recipe([lab.input("photo", "image", photo)], [lab.node("bright", "add", {"image": "photo"})])

    references = [bad.reference, good.reference]
    sweep = swept(make, {"photo": references}, [{"photo": reference} for reference in references])
    whole = path.read_bytes()
    path.write_bytes(whole[:20])  # which is seen before there is a folder
    with pytest.raises(InputError, match=r"bad\.png"):
        run(lab, sweep, keep_going=False)
    path.write_bytes(whole[:70] + bytes(len(whole) - 70))  # only its pixels are damaged
    result = run(lab, sweep, keep_going=False)
    assert statuses(result) == {"photo=bad.png": "failed", "photo=good.png": "not run"}
    error = result.results.variants[0].error
    assert error is not None
    assert "bad.png" in error.message


def test_what_fails_while_measuring_or_drawing_costs_no_results(lab, monkeypatch):
    def measure(record: RunRecord, folder: Path) -> Measured:
        raise MemoryError

    def draw(results, folder):
        raise ValueError("No room\nfor it.")

    monkeypatch.setattr("stylepipe.engine.sweeps.run_sweep.write_sheets", draw)
    result = run(lab, chains(lab, second=[0.2, 0.3]), measure=measure)
    assert result.results.complete
    assert load_results(result.folder) == result.results
    assert len((result.folder / "results.csv").read_text().splitlines()) == 3
    notes = [event.text for event in lab.events if isinstance(event, EngineNote)]
    assert notes == ["The results are not measured: MemoryError.", "There is no contact sheet: ValueError: No room."]


def test_measures_that_are_no_numbers_are_left_out(lab):
    def measure(record: RunRecord, folder: Path) -> Measured:
        return Measured({"blue": "pixels"}, {name: {"blue": float("nan"), "red": 1.0} for name in record.outputs})

    result = run(lab, chains(lab, second=[0.2, 0.3]), measure=measure)
    assert load_results(result.folder) == result.results
    assert result.results.variants[0].quality == {"result": {"red": 1.0}}


def test_an_input_that_cannot_be_decoded_takes_only_its_own_variants_with_it(lab):
    good, bad = lab.image("good", 1), lab.image("bad", 2)
    path = lab.folder / bad.reference
    path.write_bytes(path.read_bytes()[:40])

    def make(photo: str) -> ResolvedRecipe:
        return lab.recipe([lab.input("photo", "image", photo)], [lab.node("bright", "add", {"image": "photo"})])

    references = [bad.reference, good.reference]
    result = run(lab, swept(make, {"photo": references}, [{"photo": reference} for reference in references]))
    assert statuses(result) == {"photo=bad.png": "failed", "photo=good.png": "done"}
    assert of_kind(lab, StageFailed) == ["photo@bad.png"]

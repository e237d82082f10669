"""What plans estimate: from sizes alone, through stages that have not run, and what a run would be refused for."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np
import pytest

from stylepipe.artifacts import Image, Mask, Weights, blank, save
from stylepipe.engine import estimates
from stylepipe.engine.runner import run
from stylepipe.errors import RecipeError, StageError
from stylepipe.hardware import memory_limits
from stylepipe.image.files import io
from stylepipe.stage import Estimate, Params, same_size, stage


class Bytes(Params):
    """Parameters."""

    each: int = 10


def weighs(image: Image, params: Bytes, masks: Sequence[Mask], network: Weights | None) -> Estimate:
    """So many million bytes for each position of all that is given; the result has twice the height."""
    if params.each == 0:
        raise StageError("Nothing would be left.")
    tensors = () if network is None else network.tensors.values()
    held = prod(image.size) + sum(prod(mask.size) for mask in masks) + sum(map(np.size, tensors))
    return Estimate(Image(blank(2 * image.size[0], image.size[1], 3)), 1_000_000 * params.each * held)


@pytest.fixture(autouse=True)
def more_stages(lab):
    @stage(version=1, estimate=weighs)
    def weigh(image: Image, params: Bytes, masks: Sequence[Mask] = (), network: Weights | None = None) -> Image:
        """Doubles the height."""
        return Image(np.repeat(image.pixels, 2, axis=0))

    @stage(version=1, estimate=same_size("image"))
    def keep(image: Image, params: Params) -> Image:
        """Changes nothing."""
        return image

    lab.stages |= {"weigh": weigh, "keep": keep}


def memories(plan):
    """In millions of bytes, without what the process takes, to the nearest million."""
    return {stage.name: stage.memory and round((stage.memory - estimates._PROCESS) / 1e6) for stage in plan.stages}


@pytest.fixture
def undecodable(monkeypatch):
    """No picture can be decoded."""
    monkeypatch.setattr(io, "decode", lambda *arguments, **options: pytest.fail("a picture is decoded"))


def chain(lab, *, each=10):
    """content → once → kept → twice; `more` has a mask and a network besides."""
    save(Weights({"a": np.zeros((2, 3), np.float32)}), lab.folder / "net.weights")
    inputs = [lab.image("content", 1), lab.mask("region"), lab.input("net", "weights", "net")]
    nodes = [
        lab.node("once", "weigh", {"image": "content"}, each=each),
        lab.node("kept", "keep", {"image": "once"}),
        lab.node("twice", "weigh", {"image": "kept"}, each=100),
        lab.node("more", "weigh", {"image": "once", "masks": ("region", "region"), "network": "net"}, each=1),
    ]
    return lab.recipe(inputs, nodes, twice="twice", more="more")


def test_it_follows_from_the_sizes_of_inputs_and_of_results_to_come(lab, undecodable):
    assert memories(lab.plan(chain(lab))) == {"once": 480, "kept": None, "twice": 9600, "more": 96 + 48 + 48 + 6}


def test_what_is_cached_takes_nothing_and_its_size_is_known(lab, monkeypatch):
    lab.run(chain(lab))
    assert set(memories(lab.plan(chain(lab))).values()) == {None}
    monkeypatch.setattr(io, "decode", lambda *arguments, **options: pytest.fail("a picture is decoded"))
    assert memories(lab.plan(chain(lab), force=["twice", "more"]))["twice"] == 9600


def test_nothing_is_told_where_a_size_is_not_known(lab):
    nodes = [lab.node("gray", "posterize", {"image": "content"}), lab.node("once", "weigh", {"image": "gray"})]
    recipe = lab.recipe([lab.image("content", 1)], nodes)
    assert memories(lab.plan(recipe)) == {"gray": None, "once": None}
    lab.run(recipe)
    assert memories(lab.plan(recipe, force=["once"])) == {"gray": None, "once": 480}


def test_what_stages_refuse_is_told_with_their_places_before_anything_runs(lab):
    recipe = chain(lab, each=0)
    plan = lab.plan(recipe)
    assert memories(plan) == {"once": None, "kept": None, "twice": None, "more": None}
    assert list(map(str, plan.problems)) == ["recipe.yaml:9:3: Stage 'once': Nothing would be left."]
    with pytest.raises(RecipeError) as caught:
        lab.run(recipe)
    assert caught.value.problems == plan.problems
    assert (lab.calls, lab.outputs.exists()) == ([], False)


def test_all_problems_are_told_at_once_however_deep(lab):
    nodes = [
        lab.node("bad", "weigh", {"image": "content"}, each=0),
        lab.node("kept", "keep", {"image": "content"}),
        lab.node("deep", "weigh", {"image": "kept"}, each=0),
    ]
    recipe = lab.recipe([lab.image("content", 1)], nodes, bad="bad", deep="deep")
    assert [problem.message[:12] for problem in lab.plan(recipe).problems] == ["Stage 'bad':", "Stage 'deep'"]


def test_what_is_cached_is_not_asked(lab):
    recipe = chain(lab)
    lab.run(recipe)
    lab.stages["weigh"] = replace(lab.stages["weigh"], estimate=lambda **_: pytest.fail("it is asked"))
    assert lab.plan(recipe).problems == ()


def test_a_damaged_input_is_a_problem(lab):
    recipe = chain(lab)
    (lab.folder / "content.png").write_bytes(b"no picture")
    plan = lab.plan(recipe)
    assert set(memories(plan).values()) == {None}
    assert [problem.message for problem in plan.problems] == [
        "recipe.yaml:3:5: input 'content': 'content.png' is not a PNG file."
    ]


def test_a_fault_of_an_estimate_is_none_of_its_stage(lab):
    lab.stages["keep"] = replace(lab.stages["keep"], estimate=lambda **_: 1 / 0)
    recipe = lab.recipe([lab.image("content", 1)], [lab.node("kept", "keep", {"image": "content"})])
    assert memories(lab.plan(recipe)) == {"kept": None}
    assert lab.run(recipe).record.status == "done"


@pytest.fixture
def five_gigabytes(monkeypatch):
    """That much is free, and this process holds half of one."""
    monkeypatch.setattr(memory_limits, "available", lambda *, swap: 5_000_000_000)
    monkeypatch.setattr(memory_limits, "resident", lambda: 500_000_000)


def test_what_does_not_fit_into_the_memory_is_refused_before_anything_runs(lab, five_gigabytes):
    recipe = chain(lab, each=50)
    (problem,) = lab.plan(recipe).problems
    assert str(problem).startswith("recipe.yaml:9:3: Stage 'twice': It takes about 9.9 GB of memory, and 5")
    with pytest.raises(RecipeError, match="of memory"):
        lab.run(recipe)
    assert lab.calls == []


def test_a_run_that_keeps_going_refuses_the_stage_alone(lab, five_gigabytes):
    record = run(lab.job(chain(lab, each=50)), store=lab.store, outputs=lab.outputs, keep_going=True).record
    assert set(record.stages) == {"once", "kept", "more"}
    assert record.failures["twice"].message == "Stage 'twice': It takes about 10.1 GB of memory, and 5.5 GB are available."


def test_what_is_held_for_later_stages_counts(lab, monkeypatch):
    monkeypatch.setattr(io, "outline_image", lambda path: Image(blank(4_000, 5_000, 3)))
    lab.stages["weigh"] = replace(lab.stages["weigh"], estimate=lambda image, **_: Estimate(Image(blank(1, 1, 3)), 0))
    nodes = [
        lab.node("small", "weigh", {"image": "content"}),
        lab.node("alone", "weigh", {"image": "small"}),
        lab.node("both", "mix", {"first": "alone", "second": "content"}),
    ]
    inputs = [lab.image("content", 1)]
    assert memories(lab.plan(lab.recipe(inputs, nodes)))["alone"] == 20 * 12
    assert memories(lab.plan(lab.recipe(inputs, nodes[:2])))["alone"] == 0
    monkeypatch.setattr(io, "outline_image", lambda path: Image(blank(10_000, 9_000, 3)))
    assert memories(lab.plan(lab.recipe(inputs, nodes)))["alone"] == 256  # more is not kept


def test_reading_a_picture_counts(lab, monkeypatch):
    monkeypatch.setattr(io, "outline_image", lambda path: Image(blank(10_000, 9_000, 3)))
    lab.stages["weigh"] = replace(lab.stages["weigh"], estimate=lambda image, **_: Estimate(Image(blank(1, 1, 3)), 0))
    recipe = lab.recipe([lab.image("content", 1)], [lab.node("kept", "weigh", {"image": "content"})])
    assert memories(lab.plan(recipe)) == {"kept": 90 * estimates._READING}

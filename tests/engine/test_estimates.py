"""What plans estimate: from sizes alone, through stages that have not run, and nothing where something is not known."""

from collections.abc import Sequence
from math import prod

import numpy as np
import pytest

from stylepipe.artifacts import Image, Mask, Weights, blank, save
from stylepipe.errors import StageError
from stylepipe.image import io
from stylepipe.stage import Estimate, Params, same_size, stage


class Bytes(Params):
    """Parameters."""

    each: int = 10


def weighs(image: Image, params: Bytes, masks: Sequence[Mask], network: Weights | None) -> Estimate:
    """So many bytes for each position of all that is given; the result has twice the height."""
    if params.each == 0:
        raise StageError("Nothing would be left.")
    tensors = () if network is None else network.tensors.values()
    held = prod(image.size) + sum(prod(mask.size) for mask in masks) + sum(map(np.size, tensors))
    return Estimate(Image(blank(2 * image.size[0], image.size[1], 3)), params.each * held)


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
    return {stage.name: stage.memory for stage in plan.stages}


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
    nodes = [lab.node("grey", "posterize", {"image": "content"}), lab.node("once", "weigh", {"image": "grey"})]
    recipe = lab.recipe([lab.image("content", 1)], nodes)
    assert memories(lab.plan(recipe)) == {"grey": None, "once": None}
    lab.run(recipe)
    assert memories(lab.plan(recipe, force=["once"])) == {"grey": None, "once": 480}


def test_what_a_stage_refuses_is_left_for_the_run_to_say(lab):
    assert memories(lab.plan(chain(lab, each=0))) == {"once": None, "kept": None, "twice": None, "more": None}


def test_a_damaged_input_is_left_for_the_run_to_say(lab):
    recipe = chain(lab)
    (lab.folder / "content.png").write_bytes(b"no picture")
    assert set(memories(lab.plan(recipe)).values()) == {None}

"""The memory that is estimated: what is known of it by counting, what is chosen by it, and that it is what processes take."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from stylepipe.neural.encoders.vgg_layout import Vgg
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.histogram import Histogram
from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.optimizers.lbfgs_zoom import LbfgsZoom
from stylepipe.neural.style_transfer import memory_estimate
from stylepipe.neural.style_transfer.memory_estimate import Workload
from stylepipe.neural.style_transfer.objective import Objective

VGG = Vgg((1, 1), "max", "zeros")
NETWORK = {
    "normalise/kernel": (1, 1, 3, 3),
    "normalise/bias": (3,),
    "conv1_1/kernel": (3, 3, 3, 10),
    "conv1_1/bias": (10,),
    "conv2_1/kernel": (3, 3, 10, 20),
    "conv2_1/bias": (20,),
}
GRAM = Gram(layers={"relu2_1": 1.0})
POSTER = (4608, 8192)


def workload(losses=(GRAM,), optimizer=None, size=POSTER, **options):
    return Workload(Objective.of(losses, VGG), NETWORK, optimizer or Adam(), size, **options)


@pytest.mark.parametrize("spec", [Lbfgs(), Lbfgs(memory=3), Lbfgs(history="bfloat16"), LbfgsZoom(memory=2), Adam()], ids=str)
def test_what_an_optimizer_holds_is_what_it_says(spec):
    state = jax.eval_shape(lambda pixels: spec.start(pixels, 2), jnp.zeros((100, 200, 3)))
    held = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    assert held / (100 * 200 * 12) == pytest.approx(spec.state_size().held, rel=0.01)


def test_memory_grows_with_what_must_be_held_of_a_picture():
    pixels = POSTER[0] * POSTER[1]
    picture = 12 * pixels
    small = workload().peak(512)
    assert workload(content=False).peak(512) == pytest.approx(small - picture)
    # Beside the state of L-BFGS and what its step works with, the network's activations in a tile are little.
    assert workload(optimizer=Lbfgs(memory=7)).peak(512) - workload(optimizer=Lbfgs(memory=2)).peak(512) == 10 * picture
    assert workload(regions=2).peak(512) - small == pytest.approx(2 * pixels * 4 / 4, rel=0.05)  # two masks at one layer
    # 10 channels of 4 bytes at all pixels, 20 at a quarter of them, kept 1.4 times; and what is read, twice more.
    assert workload().peak(None) - workload().peak(512) == pytest.approx(pixels * (1.4 * 60 + 2 * 20) - picture, rel=0.02)


def test_of_several_memories_each_takes_its_part_of_the_picture():
    fixed = workload(size=(1, 1)).peak(None)
    assert workload(memories=8).peak(None) - fixed == pytest.approx((workload().peak(None) - fixed) / 8, rel=1e-4)


def test_the_whole_is_preferred_then_the_largest_tiles_that_fit():
    ways = workload().ways()
    assert [way.tile for way in ways] == [None, *memory_estimate.TILES]
    assert [way.peak for way in ways] == sorted((way.peak for way in ways), reverse=True)
    assert workload().within(ways[0].peak) == ways[0]
    assert workload().within(ways[3].peak + 1) == ways[3]
    assert workload().within(1.0).peak == ways[-1].peak
    assert workload().below(ways[3]) == ways[4]
    assert workload().below(ways[-1]) is None


@pytest.mark.parametrize("options", [{"losses": [GRAM, Histogram()]}, {"optimizer": LbfgsZoom()}, {"size": (200, 250)}])
def test_what_cannot_be_cut_into_tiles_is_whole(options):
    (way,) = workload(**options).ways()
    assert way.tile is None
    assert workload(**options).within(1.0) == way


def test_content_is_looked_at_once_more_where_the_picture_is_whole():
    content = Content(layers={"relu1_1": 1.0})
    held = workload([GRAM, content]).peak(None) - workload([GRAM]).peak(None)
    assert held == pytest.approx(POSTER[0] * POSTER[1] * 40)


def test_what_is_estimated_is_no_less_than_the_compiler_takes():
    small, large = workload(size=(64, 64)), workload()
    assert small.process_peak(None) == pytest.approx(memory_estimate.RUNTIME + 2 * 14e6, rel=0.01)  # the gradient of two layers
    assert small.process_peak(None) > small.peak(None)
    assert large.process_peak(None) == large.peak(None)


PROGRAM = """
import sys
from functools import partial

from stylepipe.neural.xla.allocator import keep_freed_memory

keep_freed_memory()

import jax
import numpy as np

from stylepipe.neural.style_transfer.budgeted_optimization import minimize_within

from stylepipe.neural.style_transfer import memory_estimate

from stylepipe.neural.style_transfer import optimize
from stylepipe.neural.encoders.vgg_layout import Vgg
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective
from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs

width, height, side = map(int, sys.argv[1:4])
draw = np.random.default_rng(0)
depth, widths = (2, 2, 4, 4, 1), (16, 32, 64, 128, 128)
tensors, before = {"normalise/kernel": np.eye(3)[None, None], "normalise/bias": np.zeros(3)}, 3
for block, (count, channels) in enumerate(zip(depth, widths), 1):
    for index in range(1, count + 1):
        shape = (3, 3, before, channels)
        tensors[f"conv{block}_{index}/kernel"] = draw.normal(size=shape) / np.sqrt(4.5 * before)
        tensors[f"conv{block}_{index}/bias"] = np.zeros(channels)
        before = channels
tensors = {name: jax.numpy.float32(tensor) for name, tensor in tensors.items()}
size, optimizer = (height, width), {"adam": Adam(), "lbfgs": Lbfgs()}[sys.argv[4]]
objective = Objective.of([Content(), Gram()], Vgg(depth, "max", "zeros"))
work = memory_estimate.Workload(objective, {name: t.shape for name, t in tensors.items()}, optimizer, size, styles=[size])
picture = jax.random.uniform(jax.random.key(0), (*size, 3))
shown, style = ExamplePicture(picture), ExamplePicture(picture[::-1] + 0)
examples = lambda: {"content": shown, "styles": [style], "weights": [1.0], "regions": None}
begun = optimize.start(optimizer, picture, terms=2)
budget = next(way.peak for way in work.ways() if way.tile == (side or None))
options = {"iterations": 2, "key": jax.random.key(1)}
options |= {"memory": "auto", "budget": budget, "tell": lambda _: None}
for _ in minimize_within(objective, work, tensors, examples, begun, **options):
    pass
peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak, budget)
"""


@pytest.mark.slow  # the time of two steps at these sizes
@pytest.mark.skipif(sys.platform != "linux", reason="Linux says what a process took at its most")
@pytest.mark.parametrize(
    ("width", "height", "tile", "optimizer"),
    [(512, 384, 0, "lbfgs"), (1024, 768, 0, "adam"), (1024, 768, 512, "lbfgs"), (1280, 768, 512, "adam")],
)
def test_a_process_takes_what_was_estimated(width, height, tile, optimizer):
    arguments = [sys.executable, "-c", PROGRAM, str(width), str(height), str(tile), optimizer]
    taken, estimated = map(float, subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.split())
    assert 0.7 * estimated <= taken <= 1.25 * estimated  # on some CPUs convolutions hold less beside their result

"""The stage `stylize`: sizes, starts, masks, what it tells while it runs, and that an interruption leaves no trace."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from stages.stylize import StylizeParams, stylize
from stylepipe.artifacts import Image, Mask, Weights
from stylepipe.errors import Interrupted, StageError
from stylepipe.image.color.color_spaces import luma
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.loss import FeatureLoss
from stylepipe.neural.losses.loss_kinds import AnyLoss, loss_kinds
from stylepipe.neural.style_transfer import memory_estimate
from stylepipe.neural.style_transfer.memory_estimate import Workload
from stylepipe.neural.style_transfer.objective import Objective
from stylepipe.stage import Frame, Note, Progress
from stylepipe.transparency import fill_hidden

from .memory import Memory

DRAW = np.random.default_rng(0)


def hidden(image: Image) -> Image:
    return Image(image.pixels, np.zeros(image.size, np.float32))


CONTENT, STYLE, OTHER = (Image(DRAW.random(size, np.float32)) for size in ((24, 32, 3), (20, 16, 3), (18, 30, 3)))
GRAM = {"kind": "gram", "layers": {"relu1_1": 1, "relu2_1": 1}}
LOSSES = [{"kind": "content", "layers": {"relu2_1": 1}}, GRAM, {"kind": "total_variation"}]
SMOOTH = {"losses": [{"kind": "total_variation"}]}  # needs no network, where only the picture's size or start matters
OPTIMIZERS = [
    {"kind": "lbfgs"},
    {"kind": "adam", "averaging": 0.5},
    pytest.param({"kind": "optax", "name": "lion", "learning_rate": 0.02}, marks=pytest.mark.slow),
    pytest.param({"kind": "lbfgs_zoom"}, marks=pytest.mark.slow),  # its program takes longest to compile
]


@pytest.fixture
def run(tiny_vgg):
    """The result as an array, of the content and one style unless said otherwise."""

    def call(
        content=CONTENT, styles=(STYLE,), *, events=None, memory=None, extractor=tiny_vgg, inputs=None, budget="auto", **params
    ):
        params = StylizeParams(**{"memory": budget, "size": 32, "iterations": 4, "losses": LOSSES, **params})
        emit = (lambda event: None) if events is None else events.append
        services = {"key": jax.random.key(0), "emit": emit, "checkpoint": memory or Memory()}
        return stylize(content, styles, extractor, params, **(inputs or {}), **services)

    return call


@pytest.mark.slow
def test_the_networks_precision_is_another_result_of_the_same_look(run):
    error = run().pixels - run(precision="bfloat16").pixels
    assert 0 < np.sqrt(np.mean(error**2)) < 0.01


# --- sizes and starts; after one iteration L-BFGS has evaluated its start and not moved ---------------------------------


def test_the_long_side_is_the_size_and_the_aspect_the_contents(run):
    assert run(size=20, **SMOOTH).size == (15, 20)
    assert run(Image(CONTENT.pixels[:, :12]), size=31, **SMOOTH).size == (31, 16)
    assert run(size=20, aspect=0.5, **SMOOTH).size == (20, 10)


def test_the_size_of_the_content(run, tiny_vgg):
    assert run(size="content", **SMOOTH).size == CONTENT.size
    assert run(OTHER, size=[16, "content"], iterations=[1, 2], **SMOOTH).size == OTHER.size
    with pytest.raises(StageError, match="'size: content' needs 'content', and none is given"):
        run(None, start="noise", size="content", **SMOOTH)
    with pytest.raises(StageError, match=r"The content's long side is 12 pixels\."):
        run(Image(np.zeros((8, 12, 3), np.float32)), size="content", **SMOOTH)
    with pytest.raises(ValidationError, match="content"):
        StylizeParams(size="style")


def test_the_size_of_the_content_is_estimated(tiny_vgg):
    pictures = {"content": CONTENT, "styles": (STYLE,), "init": None, "style_map": None, "target_map": None}
    arguments = {**pictures, "masks": (), "style_masks": (), "content_mask": None, "extractor": tiny_vgg}
    said = {
        size: stylize.estimate(params=StylizeParams(size=size, losses=LOSSES), **arguments)
        for size in ("content", max(CONTENT.size))
    }
    assert said["content"].output.size == CONTENT.size
    assert said["content"].memory == said[max(CONTENT.size)].memory


def test_without_content_the_aspect_is_that_of_init_or_square(run):
    assert run(None, start="noise", size=20, **SMOOTH).size == (20, 20)
    assert run(None, inputs={"init": OTHER}, size=20, **SMOOTH).size == (12, 20)


def test_it_starts_from_the_content(run):
    np.testing.assert_array_equal(run(iterations=1, **SMOOTH).pixels, CONTENT.pixels)


def test_it_starts_from_init_brought_to_size(run):
    found = run(iterations=1, inputs={"init": Image(np.full((5, 7, 3), 0.25, np.float32))}, start="noise", **SMOOTH)
    np.testing.assert_allclose(found.pixels, 0.25, rtol=1e-6)


def test_it_starts_from_noise_of_its_key(run):
    noise = run(iterations=1, start="noise", **SMOOTH).pixels
    assert np.abs(np.quantile(noise, [0.25, 0.5, 0.75]) - [0.25, 0.5, 0.75]).max() < 0.05
    np.testing.assert_array_equal(run(iterations=1, start="noise", **SMOOTH).pixels, noise)


def test_it_starts_from_the_luminance(run):
    gray = run(iterations=1, start="gray", **SMOOTH).pixels
    np.testing.assert_allclose(gray, np.repeat(np.asarray(luma(CONTENT.pixels))[..., None], 3, -1), rtol=1e-6)


def test_it_starts_from_the_mean_color_of_the_styles_by_weight(run):
    red, blue = (Image(np.full((16, 16, 3), color, np.float32)) for color in ([1, 0, 0.5], [0, 1, 0.5]))
    found = run(None, (red, blue), iterations=1, start="style_mean", style_weights=[3, 1], **SMOOTH).pixels
    np.testing.assert_allclose(found.reshape(-1, 3), np.tile([0.75, 0.25, 0.5], (32 * 32, 1)), atol=0.0051)


# --- what it computes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o["kind"])
def test_the_picture_takes_after_the_style(run, optimizer):
    def colors(pixels):
        return np.mean(pixels, (0, 1))

    red = Image(np.float32(DRAW.random((16, 16, 3)) * [1, 0.2, 0.1]))
    found = run(CONTENT, (red,), optimizer=optimizer, iterations=40, losses=[GRAM]).pixels
    distance = [np.linalg.norm(colors(p) - colors(red.pixels)) for p in (CONTENT.pixels, found)]
    assert distance[1] < 0.5 * distance[0]
    assert 0 <= found.min() <= found.max() <= 1


def test_only_the_masked_region_changes(run):
    mask = np.zeros(CONTENT.size, np.float32)
    mask[:, :10] = 1
    found = run(losses=[GRAM], iterations=5, inputs={"masks": [Mask(mask)]}, mask_pooling="area").pixels
    assert np.abs(found - CONTENT.pixels)[:, :10].max() > 0.01
    np.testing.assert_array_equal(found[:, 16:], CONTENT.pixels[:, 16:])


def test_a_mask_of_the_style_chooses_its_part(run):
    halves = np.concatenate([np.zeros((20, 20, 3)), np.ones((20, 20, 3))], 1)
    white = np.concatenate([np.zeros((20, 20)), np.ones((20, 20))], 1)
    means = [
        run(
            None,
            (Image(np.float32(halves)),),
            inputs={"style_masks": [Mask(np.float32(m))]},
            losses=[GRAM],
            start="noise",
            iterations=40,
        ).pixels.mean()
        for m in (white, 1 - white)
    ]
    assert means[0] > 0.75
    assert means[1] < 0.25


@pytest.mark.slow
@pytest.mark.parametrize(("content_weight", "most"), [(0.0, 0.01), (0.5, 0.02)])
def test_a_region_of_2_percent_takes_on_its_style_as_strongly_as_one_of_50(run, tiny_vgg, content_weight, most):
    half, small = np.zeros((2, 48, 48), np.float32)
    half[:, :24] = 1
    small[30:37, 34:41] = 1
    draw = np.random.default_rng(0)
    content, style = (Image(np.float32(draw.random((48, 48, 3)) ** power)) for power in (1, 4))
    losses = [GRAM, {"kind": "content", "weight": content_weight, "layers": {"relu2_1": 1}}]
    options = {"size": 48, "losses": losses, "iterations": 60, "mask_pooling": "area"}
    found = run(content, (style, style), inputs={"masks": [Mask(half), Mask(small)]}, **options).pixels
    left, moved = {}, {}
    for name, mask in (("half", half), ("small", small)):
        before, after = (gram_distance(pixels, mask, style.pixels, tiny_vgg) for pixels in (content.pixels, found))
        left[name] = after / before
        moved[name] = np.abs(found - content.pixels)[mask > 0].mean()
    assert max(left.values()) < most
    assert moved["small"] == pytest.approx(moved["half"], rel=0.1), "counted alike, small moves half as far again"


def gram_distance(pixels, mask, style, network):
    """Between the Gram matrices of a region and of a style, relative to the style's, at the two layers of `GRAM`."""
    layers = {"relu1_1": mask, "relu2_1": mask.reshape(24, 2, 24, 2).mean((1, 3))}
    seen, wanted = (
        features(network.tensors, jnp.asarray(p), layers=tuple(layers), encoder=describe(network)) for p in (pixels, style)
    )
    total = 0
    for layer, inside in layers.items():
        found, ours = (np.float64(maps[layer]).reshape(-1, maps[layer].shape[-1]) for maps in (seen, wanted))
        gram, target = (found * inside.reshape(-1, 1)).T @ found / inside.sum(), ours.T @ ours / len(ours)
        total += np.mean((gram - target) ** 2) / np.mean(target**2)
    return total


def test_the_content_is_kept_within_its_mask(run):
    mask = np.zeros(CONTENT.size, np.float32)
    mask[:, :12] = 1
    options = {
        "losses": [{"kind": "content", "layers": {"relu1_1": 1}}],
        "start": "noise",
        "inputs": {"content_mask": Mask(mask)},
    }
    noise, kept = (run(iterations=count, **options).pixels for count in (1, 60))
    before, after = (np.abs(pixels - CONTENT.pixels)[:, :10].mean() for pixels in (noise, kept))
    assert after < 0.2 * before
    np.testing.assert_array_equal(kept[:, 14:], noise[:, 14:])


def test_sizes_in_a_list_are_stages_in_a_row(run):
    whole = run(size=[16, 24], iterations=[3, 4]).pixels
    step = None
    for size, iterations in ((16, 3), (24, 4)):
        step = run(size=size, iterations=iterations, inputs={"init": step})
    np.testing.assert_array_equal(step.pixels, whole)


def test_adam_carries_its_moments_from_size_to_size(run):
    adam = {"kind": "adam", "averaging": 0}
    first = run(size=16, iterations=5, optimizer=adam)
    carried = run(size=[16, 32], iterations=[5, 1], optimizer=adam).pixels
    fresh = run(size=32, iterations=1, optimizer=adam, inputs={"init": first}).pixels
    start = run(size=32, iterations=1, inputs={"init": first}, **SMOOTH).pixels  # by L-BFGS, which has not moved
    moves = [np.abs(pixels - start)[(start > 0.05) & (start < 0.95)] for pixels in (fresh, carried)]
    np.testing.assert_allclose(moves[0], 0.02, rtol=0.01)  # a first step of Adam's goes by the sign of the gradient alone
    assert np.std(moves[1]) > 0.002


def test_transparency_is_brought_to_the_size(run):
    half = Image(CONTENT.pixels, np.tile(np.float32([0, 1]).repeat(16), (24, 1)))
    alpha = run(half, size=16, **SMOOTH).alpha
    assert alpha.shape == (12, 16)
    np.testing.assert_allclose(alpha[:, [0, 15]], np.tile([0, 1], (12, 1)), atol=0.05)


CUT_OUT = np.zeros((20, 16), np.float32)
CUT_OUT[:12, 4:] = 1
CUT_OUT[12] = 0.5
BELOW = np.float32(np.arange(20)[:, None] >= 17) * np.ones(16, np.float32)


def test_a_style_that_is_cut_out_is_its_own_mask(run):
    cut_out, mask = Image(STYLE.pixels, CUT_OUT), Mask(CUT_OUT)
    filled = Image(fill_hidden(STYLE.pixels, CUT_OUT))
    alone = run(styles=(cut_out,), style_scale=20 / 32).pixels
    np.testing.assert_array_equal(alone, run(styles=(filled,), inputs={"style_masks": [mask]}, style_scale=20 / 32).pixels)
    left = np.ones_like(CUT_OUT)
    left[:, 8:] = 0
    both = run(styles=(cut_out,), inputs={"style_masks": [Mask(left)]}, style_scale=20 / 32).pixels
    by_hand = run(styles=(filled,), inputs={"style_masks": [Mask(left * CUT_OUT)]}, style_scale=20 / 32).pixels
    np.testing.assert_array_equal(both, by_hand)
    assert np.abs(both - alone).max() > 0.01


@pytest.mark.slow
def test_what_is_hidden_of_the_content_has_no_style_and_the_rest_has_all_of_it(run):
    """The visible part of a content comes to what a mask of that part comes to, and stands alone."""
    half = np.ones(CONTENT.size, np.float32)
    half[:, 16:] = 0
    filled = Image(fill_hidden(CONTENT.pixels, half))
    options = {"losses": LOSSES[:2], "optimizer": {"kind": "adam"}, "iterations": 10}
    found = run(Image(CONTENT.pixels, half), **options).pixels
    masked = run(filled, inputs={"masks": [Mask(half)], "content_mask": Mask(half)}, **options).pixels
    whole = run(filled, **options).pixels
    assert np.abs(found - whole)[:, :16].max() > 0.01
    assert np.abs(found - masked)[:, 24:].max() < 0.01  # far from what is seen, neither changes
    np.testing.assert_allclose(found[:, 28:], filled.pixels[:, 28:], atol=1e-5)


def test_the_mean_color_of_a_cut_out_is_of_what_is_visible(run):
    pixels = np.where(CUT_OUT[..., None] > 0, np.float32([0.75] * 3), np.float32(0))
    found = run(styles=(Image(pixels, CUT_OUT),), start="style_mean", iterations=1, **SMOOTH).pixels
    assert np.abs(found - 0.75).max() < 0.006


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(loss_kinds().models))
def test_hidden_colors_do_not_matter_to_any_loss(run, kind):
    small = {"cooccurrence": {"shifts": [1]}, "laplacian": {"pools": [2]}}
    default = TypeAdapter(AnyLoss).validate_python({"kind": kind})
    layers = {"layers": {"relu1_1": 1, "relu2_1": 1}} if isinstance(default, FeatureLoss) else {}
    loss = {"kind": kind, **layers, **small.get(kind, {})}
    draw = np.random.default_rng(1)
    content_alpha = np.ones(CONTENT.size, np.float32)
    content_alpha[8:20, 12:] = 0

    def result(*, seed):
        hidden = np.random.default_rng(seed)
        content, style = (
            Image(np.where(alpha[..., None] > 0, image.pixels, hidden.random(image.pixels.shape, np.float32)), alpha)
            for image, alpha in ((CONTENT, content_alpha), (STYLE, CUT_OUT))
        )
        found = run(content, (style,), losses=[loss], optimizer={"kind": "adam"}, start="noise", iterations=3, size=24)
        return np.where(found.alpha[..., None] > 0, found.pixels, 0)

    first, second = result(seed=1), result(seed=int(draw.integers(1_000_000)))
    np.testing.assert_allclose(first, second, rtol=0, atol=1 / 255)


# --- semantic maps ------------------------------------------------------------------------------------------------------

RED, GREEN, BLUE = np.eye(3, dtype=np.float32)
STYLE_MAP = Image(np.where(np.arange(10)[None, :, None] < 6, RED, BLUE) * np.ones((12, 1, 1), np.float32))
TARGET_MAP = Image(np.where(np.arange(15)[:, None, None] < 5, BLUE, RED) * np.ones((1, 20, 1), np.float32))
SPECK = Image(np.where(np.arange(1_080_000).reshape(900, 1200, 1) == 540_600, BLUE, RED))
MAPS = {"style_map": STYLE_MAP, "target_map": TARGET_MAP}


@pytest.mark.slow
@pytest.mark.parametrize("count", [None, 2])
def test_semantic_maps_are_a_pair_of_masks_for_each_label(run, count):
    in_style, in_target = (np.float32(each.pixels[..., 0]) for each in (STYLE_MAP, TARGET_MAP))  # where red is
    masks = {
        "masks": [Mask(1 - in_target), Mask(in_target)],
        "style_masks": [Mask(1 - in_style), Mask(in_style)],
    }
    by_hand, exchanged = (
        run(CONTENT, (STYLE, STYLE), inputs={**masks, "masks": masks["masks"][::step]}).pixels for step in (1, -1)
    )
    assert np.abs(by_hand - exchanged).max() > 0.01
    np.testing.assert_array_equal(run(inputs=MAPS, labelling={"count": count}).pixels, by_hand)


@pytest.mark.slow
def test_each_part_of_a_doodle_becomes_as_the_part_of_the_style_under_its_label(run):
    halves = np.where(np.arange(10)[None, :, None] < 6, np.float32(0.1), np.float32(0.9)) * np.ones((12, 1, 3), np.float32)
    found = run(None, (Image(halves),), inputs=MAPS, start="noise", iterations=40, losses=[GRAM], mask_pooling="area").pixels
    assert found.shape == (24, 32, 3), "the aspect is that of the target's map"
    assert found[:6].mean() > 0.75, "blue is white in the style"
    assert found[10:].mean() < 0.25, "and red is black"


@pytest.mark.slow
def test_what_has_a_label_of_its_own_may_be_left_alone(run):
    pixels = TARGET_MAP.pixels.copy()
    pixels[10:] = GREEN
    maps = {**MAPS, "target_map": Image(pixels)}
    found = run(inputs=maps, losses=[GRAM], labelling={"unmatched": "ignore"}, mask_pooling="area", iterations=5).pixels
    assert np.abs(found - CONTENT.pixels)[:16].max() > 0.01
    np.testing.assert_array_equal(found[22:], CONTENT.pixels[22:])


# --- what it tells, and how it stops ------------------------------------------------------------------------------------


def test_it_tells_the_loss_and_its_terms_at_every_iteration_and_shows_frames(run):
    events = []
    found = run(size=[16, 32], iterations=[3, 4], preview_every=2, events=events)
    progress = [event for event in events if isinstance(event, Progress)]
    assert [(event.done, event.total) for event in progress] == [(i, 7) for i in range(1, 8)]
    for event in progress:
        assert set(event.terms) == {"content", "gram", "total_variation"}
        assert sum(event.terms.values()) == pytest.approx(event.loss, rel=1e-5)
    frames = [event.pixels for event in events if isinstance(event, Frame)]
    assert [frame.shape for frame in frames] == [(12, 16, 3), (24, 32, 3), (24, 32, 3)]
    assert found.pixels.shape == frames[-1].shape


def test_iterations_left_out_by_an_early_stop_are_not_counted(run):
    # The first window has none before it to compare with; the second gains less than all, and ends a size.
    options = {"size": [16, 32], "iterations": [5, 4], "early_stop": {"window": 1, "improvement": 0.999}}
    whole, rest = [], []
    run(events=whole, **options)
    assert [(event.done, event.total) for event in whole] == [(1, 9), (2, 6), (3, 6), (4, 4)]
    memory = Memory(stop_at=3)
    with pytest.raises(Interrupted):
        run(memory=memory, **options)
    run(events=rest, memory=Memory(memory.state), **options)
    assert rest == whole[3:]


STOP = {"window": 2, "improvement": 0.5}
FALLING, FLAT = [32.0, 16, 8, 4, 2, 1], [32.0, 16, 16, 16, 16, 16]  # by an early stop of STOP, the second ends after four


@pytest.mark.parametrize(
    ("histories", "params", "expected"),
    [
        ([FALLING], {"size": 64, "iterations": 10}, True),
        ([FALLING], {"size": 64, "iterations": 6}, True),
        ([FALLING], {"size": 64, "iterations": 5}, False),
        ([FALLING], {"size": 64, "iterations": 10, "early_stop": STOP}, True),
        ([FLAT], {"size": 64, "iterations": 10, "early_stop": STOP}, False),
        ([FLAT[:4]], {"size": 64, "iterations": 10, "early_stop": STOP}, True),
        ([FALLING], {"size": [32, 64], "iterations": 10}, True),
        ([FALLING, FLAT], {"size": [32, 64], "iterations": [6, 10]}, True),
        ([FALLING, FLAT], {"size": [32, 64], "iterations": [6, 6]}, True),
        ([FALLING, FLAT], {"size": [32, 64], "iterations": [6, 5]}, False),
        ([FALLING, FLAT], {"size": [32, 64], "iterations": 10}, False),
        ([FALLING, FLAT], {"size": [32, 64], "iterations": [5, 10]}, False),
        ([FLAT[:4], FALLING], {"size": [32, 64], "iterations": 10, "early_stop": STOP}, True),
        ([FLAT[:4], FALLING], {"size": [32, 64], "iterations": [4, 10]}, True),
        ([FLAT, FALLING], {"size": [32, 64], "iterations": [6, 10], "early_stop": STOP}, False),
    ],
)
def test_a_longer_run_passes_through_the_states_of_shorter_ones_that_are_its_beginning(histories, params, expected):
    *earlier, current = histories
    state = {
        "history": np.array(current),
        "earlier": np.array([loss for history in earlier for loss in history]),
        "earlier_counts": np.array([len(history) for history in earlier], np.int64),
    }
    assert stylize.trajectory is not None
    assert stylize.trajectory.passes_through(StylizeParams(**params), state) is expected


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o["kind"])
def test_an_interrupted_run_ends_with_the_same_bytes(run, optimizer):
    options = {"size": [16, 24], "iterations": [3, 4], "optimizer": optimizer, "early_stop": {"window": 2, "improvement": 1e-6}}
    whole = run(**options).pixels
    state = None
    for stop_at in (1, 2, 1, 2):  # after iterations 1, 3 (the end of a size), 4 and 6
        memory = Memory(state, stop_at)
        with pytest.raises(Interrupted):
            run(memory=memory, **options)
        state = memory.state
    np.testing.assert_array_equal(run(memory=Memory(state), **options).pixels, whole)


TOWARDS = [{"kind": "content", "layers": {"relu2_1": 1}, "target": 0.02}, {**GRAM, "weight": 100}]


@pytest.mark.slow
def test_a_content_with_a_target_ends_at_it(run):
    """Whatever the style weighs, in the range that `Content` states; without a target the error is above 0.035."""
    for weight in (30, 3000):
        events = []
        run(losses=[TOWARDS[0], {**GRAM, "weight": weight}], iterations=60, size=32, events=events)
        (note,) = (event.text for event in events if isinstance(event, Note))
        match = re.fullmatch(r"At a long side of 32, 'content' ends with an error of (.+); its target is 0\.02\.", note)
        assert float(match[1]) == pytest.approx(0.02, rel=0.1)


@pytest.mark.slow
def test_a_target_relative_to_the_styles_is_a_share_of_the_error_of_unrelated_features(run):
    """In the styles' own regions, and with transparency; with a weight of 0.1 instead, the error is above 0.12."""
    masks = [Mask(np.repeat(np.float32([[1, 1, 0, 0]]), 3, 0)), Mask(np.repeat(np.float32([[0, 0, 1, 0]]), 3, 0))]
    alpha = np.repeat(np.clip(np.arange(24, dtype=np.float32)[:, None] / 12, 0, 1), 32, 1)
    events, inputs = [], (Image(CONTENT.pixels, alpha), (STYLE, OTHER))
    losses = [{**TOWARDS[0], "normalize": "styles", "target": 0.1}, TOWARDS[1]]
    run(*inputs, inputs={"masks": masks}, losses=losses, iterations=40, events=events)
    (note,) = (event.text for event in events if isinstance(event, Note))
    match = re.fullmatch(r"At a long side of 32, 'content' ends with an error of (.+); its target is 0\.1\.", note)
    assert float(match[1]) == pytest.approx(0.1, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("normalize", ["target", "styles"])
def test_a_content_with_a_target_that_was_interrupted_ends_with_the_same_bytes(run, normalize):
    options = {"losses": [{**TOWARDS[0], "normalize": normalize}, TOWARDS[1]], "size": [16, 24], "iterations": [6, 8]}
    memory = Memory(None, 9)
    with pytest.raises(Interrupted):
        run(memory=memory, **options)
    np.testing.assert_array_equal(run(memory=Memory(memory.state), **options).pixels, run(**options).pixels)


def test_a_loss_that_is_not_finite_is_named_and_the_picture_shown_that_it_stopped_at(run, tiny_vgg):
    events = []
    broken = Weights({name: tensor * np.float32(1e25) for name, tensor in tiny_vgg.tensors.items()}, tiny_vgg.metadata)
    with pytest.raises(StageError, match="At a long side of 32: The loss is not finite at iteration 1: the term 'content' is"):
        run(extractor=broken, events=events)
    (frame,) = events
    np.testing.assert_array_equal(frame.pixels, CONTENT.pixels)


# --- what it refuses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"content": None}, "'start: content' needs 'content', and none is given"),
        ({"content": None, "start": "gray"}, "'start: gray' needs 'content'"),
        ({"styles": (), "start": "style_mean"}, "'start: style_mean' needs 'styles'"),
        ({"content": None, "start": "noise"}, "'content' compares with the content"),
        ({"styles": ()}, "'gram' compares with the styles"),
        ({"style_weights": [1, 2]}, "1 styles and 2 style_weights were given"),
        ({"inputs": {"masks": [Mask(np.ones((4, 4), np.float32))] * 2}}, "1 styles and 2 masks were given"),
        ({"inputs": {"style_masks": [Mask(np.ones((4, 4), np.float32))] * 3}}, "1 styles and 3 style_masks were given"),
        ({"inputs": {"masks": [Mask(np.zeros((4, 4), np.float32))]}}, "The mask 1 is empty at the layer 'relu1_1'"),
        ({"inputs": {"style_masks": [Mask(np.zeros((4, 4), np.float32))]}}, "The style mask 1 is empty at the layer 'relu1_1'"),
        ({"inputs": {"content_mask": Mask(np.zeros((4, 4), np.float32))}}, "The content mask is empty at the layer 'relu2_1'"),
        (
            {"content": None, "start": "noise", "inputs": {"content_mask": Mask(np.ones((4, 4), np.float32))}},
            "A 'content_mask' was given, and no 'content'",
        ),
        (
            {
                "losses": [{"kind": "cooccurrence", "layers": {"relu1_1": 1}, "shifts": [12]}],
                "inputs": {"style_masks": [Mask(np.pad(np.ones((4, 4), np.float32), ((0, 12), (0, 12))))]},
            },
            "The loss 'cooccurrence' of style 1: Within its mask no two positions lie 12 apart at the layer 'relu1_1'",
        ),
        ({"inputs": {"masks": [Mask(np.ones((32, 24), np.float32))]}}, "The mask 1 has 24×32 pixels and the result"),
        (
            {"inputs": {"content_mask": Mask(np.ones((32, 24), np.float32))}},
            "The content mask has 24×32 pixels and",
        ),
        ({"inputs": {"style_masks": [Mask(np.ones((16, 20), np.float32))]}}, "The style mask 1 has 20×16 pixels and style 1"),
        ({"inputs": {**MAPS, "target_map": STYLE_MAP}}, "The target map has 10×12 pixels and the result"),
        ({"inputs": {**MAPS, "style_map": TARGET_MAP}}, "The style map has 20×15 pixels and the style 16×20"),
        ({**SMOOTH, "inputs": {"style_masks": [Mask(np.zeros((4, 4), np.float32))]}}, "The style mask 1 is empty: it is 0"),
        ({"content": hidden(CONTENT)}, "The content has no visible pixel: its alpha is 0 everywhere"),
        ({"styles": (hidden(STYLE),)}, "Style 1 has no visible pixel"),
        (
            {"styles": (Image(STYLE.pixels, CUT_OUT),), "inputs": {"style_masks": [Mask(BELOW)]}},
            "The visible part of style mask 1 is empty at the layer 'relu1_1'",
        ),
        ({"inputs": {"style_map": STYLE_MAP}}, "Of 'style_map' and 'target_map' only 'style_map' was given"),
        ({"styles": (STYLE, OTHER), "inputs": MAPS}, "With semantic maps, 2 styles, 0 masks and 0 style_masks were given"),
        ({"inputs": {**MAPS, "masks": [Mask(np.ones((4, 4), np.float32))]}}, "1 styles, 1 masks and 0 style_masks were given"),
        ({"inputs": {**MAPS, "target_map": Image(RED * np.ones((4, 4, 1)))}}, "the style's alone has #0000ff"),
        ({"inputs": {**MAPS, "target_map": SPECK}}, "The mask #0000ff is empty at the layer 'relu1_1'"),
        ({"losses": [{"kind": "gram"}]}, "The network has no layer 'relu4_1'"),
        (
            {"losses": [{"kind": "gram", "layers": {"relu3_1": 1}}], "styles": (Image(STYLE.pixels[:2]),)},
            "takes images of at least",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(run, given, message):
    with pytest.raises(StageError) as caught:
        run(**given)
    assert message in caught.value.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 8},
        {"size": []},
        {"size": [64, 128], "iterations": [10]},
        {"size": 64, "iterations": [10, 10]},
        {"iterations": 0},
        {"losses": []},
        {"optimizer": {"kind": "sgd"}},
        {"optimizer": {"kind": "adam", "memory": 5}},
        {"start": "black"},
        {"style_weights": [-1]},
        {"style_weights": [0]},
        {"style_weights": [0, 0]},
        {"early_stop": {"window": 0}},
        {"memory": "4 gigs"},
    ],
)
def test_other_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        StylizeParams(**wrong)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs_zoom"])
@pytest.mark.parametrize("others", [[], [{"kind": "content"}]])
def test_losses_that_are_drawn_at_each_step_are_refused_with_l_bfgs(optimizer, others):
    losses = [*others, {"kind": "sliced_wasserstein"}]
    with pytest.raises(ValidationError, match=f"'sliced_wasserstein' draws .* '{optimizer}' compares .*kind: adam"):
        StylizeParams(losses=losses, optimizer={"kind": optimizer})
    assert StylizeParams(losses=losses, optimizer={"kind": "adam"}).losses[-1].stochastic


# --- within a budget of memory ------------------------------------------------------------------------------------------

WIDE = Image(DRAW.random((45, 61, 3), np.float32))
AT_WORK = {"content": WIDE, "size": 61, "iterations": 5}


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(memory_estimate, "TILES", (48, 32, 16))


@pytest.fixture
def out_of_memory(monkeypatch):
    """Runs out where a picture is evaluated as a whole, from the nth time on."""

    def at(count):
        calls, evaluate = [], Objective.value_and_gradient

        def fail(*arguments):
            calls.append(arguments)
            if len(calls) >= count:
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8589934592 bytes.")
            return evaluate(*arguments)

        monkeypatch.setattr(Objective, "value_and_gradient", fail)

    return at


def notes(events):
    return [event.text for event in events if isinstance(event, Note)]


def taken(network, tile, **params):
    """What the picture of `AT_WORK` takes in such tiles, as a budget."""
    params = StylizeParams(losses=LOSSES, **params)
    objective = Objective.of(params.losses, describe(network))
    shapes = {name: tensor.shape for name, tensor in network.tensors.items()}
    work = Workload(objective, shapes, params.optimizer, (45, 61), styles=[(61, 49)])
    return f"{round(work.peak(tile)) + 1}B"


@pytest.mark.slow
def test_a_run_in_tiles_ends_where_one_of_the_whole_does(run, tiny_vgg, small_tiles):
    events, more = [], []
    options = {**AT_WORK, "iterations": 50, "optimizer": {"kind": "adam"}}
    whole = run(**options, events=events).pixels
    tiled = run(**options, budget=taken(tiny_vgg, 48, optimizer={"kind": "adam"}), events=more).pixels
    assert np.linalg.norm(whole - WIDE.pixels) > 0.05 * np.linalg.norm(whole)
    assert np.linalg.norm(tiled - whole) < 1e-3 * np.linalg.norm(whole)
    assert notes(events) == []
    (note,) = notes(more)
    assert note.startswith("In tiles of 48 pixels it takes about 0.471 GB of memory; as a whole")


@pytest.mark.slow
def test_by_lbfgs_a_run_in_tiles_ends_at_the_loss_of_the_whole(run, tiny_vgg, small_tiles):
    """Its pictures part, as those of any two sums that are rounded differently: each step rests on differences of gradients."""
    ends = []
    for budget in ("auto", taken(tiny_vgg, 48)):
        events = []
        run(**{**AT_WORK, "iterations": 50}, budget=budget, events=events)
        ends.append(events[-1].loss)
    assert ends[1] == pytest.approx(ends[0], rel=1e-3)


@pytest.mark.slow
def test_where_memory_runs_out_it_goes_on_in_tiles_from_where_it_was(run, small_tiles, out_of_memory):
    whole = run(**AT_WORK).pixels
    events = []
    out_of_memory(3)
    found = run(**AT_WORK, events=events).pixels
    assert notes(events) == ["Memory ran out after iteration 2; the stage continues in tiles of 48 pixels."]
    assert [event.done for event in events if isinstance(event, Progress)] == [1, 2, 3, 4, 5]
    assert np.linalg.norm(found - whole) < 1e-3 * np.linalg.norm(whole)


def test_where_no_smaller_tiles_can_help_it_says_so(run, out_of_memory):
    out_of_memory(2)
    with pytest.raises(StageError, match="At a long side of 61: Memory ran out at iteration 2; the estimate was 0"):
        run(**AT_WORK)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "It takes about 0.471 GB of memory, and 0.1 GB are allowed."),
        (
            {"losses": [{"kind": "histogram", "layers": {"relu1_1": 1}}]},
            "are allowed: The loss 'histogram' cannot be computed in",
        ),
        ({"optimizer": {"kind": "lbfgs_zoom"}}, "are allowed: The optimizer 'lbfgs_zoom' does not support tiles"),
    ],
)
def test_a_budget_that_is_too_small_is_refused(run, small_tiles, params, message):
    with pytest.raises(StageError) as caught:
        run(**AT_WORK, budget="100MB", **params)
    assert caught.value.message.startswith("At a long side of 61: ")
    assert message in caught.value.message

"""One stage at a time: its services, the check of its result, its errors in words."""

import subprocess
import sys
from collections.abc import Sequence
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.artifacts import Image, Mask, Weights
from stylepipe.engine.execution.call_stage import execute, traceback_of
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.errors import InputError, Interrupted, Place, StageError, UsageError
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Params, StageContractError, stage

PIXELS = np.full((2, 3, 3), 0.5, np.float32)
ALPHA = np.array([[1, 0, np.inf], [0, 0, 1]], np.float32)


class Checkpoint:
    """The service, as the contract has it."""

    def load(self):
        return None

    def offer(self, state):
        pass


CHECKPOINT = Checkpoint()


def call(function, *, output=Image, stop=None, **arguments):
    """Runs a function as the stage 'made@1'."""

    def made(image: Image, params: Params):
        return function(image)

    made.__annotations__["return"] = output
    node = StageNode("made@1", stage(version=1)(made), Params(), {"image": "content"}, Place("r.yaml", 1, 1))
    given = {"image": Image(PIXELS), **arguments}
    return execute(node, given, seed=3, emit=lambda event: None, checkpoint=CHECKPOINT, stop=stop or StopRequest())


def test_services_are_handed_over_by_name():
    seen = {}

    @stage(version=1)
    def made(params: Params, *, key: jax.Array, emit, checkpoint) -> Image:
        seen.update(key=key, emit=emit, checkpoint=checkpoint)
        return Image(PIXELS)

    node = StageNode("n", made, Params(), {}, Place("r.yaml", 1, 1))

    def emit(event):
        pass

    execute(node, {}, seed=3, emit=emit, checkpoint=CHECKPOINT, stop=StopRequest())
    assert jnp.array_equal(jax.random.key_data(seen["key"]), jax.random.key_data(jax.random.key(3)))
    assert seen["emit"] is emit
    assert seen["checkpoint"] is CHECKPOINT


def test_device_arrays_come_to_the_host():
    result = call(lambda image: Image(jnp.asarray(PIXELS), alpha=jnp.ones((2, 3))))
    assert type(result.pixels) is np.ndarray
    assert type(result.alpha) is np.ndarray
    assert np.array_equal(result.pixels, PIXELS)
    weights = call(lambda image: Weights({"a": jnp.arange(3)}, {"of": "x"}), output=Weights)
    assert type(weights.tensors["a"]) is np.ndarray
    assert weights.metadata == {"of": "x"}


def test_a_stage_cannot_write_to_its_inputs():
    def overwrite(image: Image) -> Image:
        image.pixels[:] = 0
        return image

    with pytest.raises(StageError, match="read-only"):
        call(overwrite)
    assert PIXELS.flags.writeable
    assert PIXELS.min() == 0.5


@pytest.mark.parametrize(
    ("result", "output", "message"),
    [
        (Mask(PIXELS[..., 0]), Image, "It returned Mask; expected Image."),
        (Image(PIXELS), Mask, "It returned Image; expected Mask."),
        (Image(PIXELS), Weights, "It returned Image; expected Weights."),
        (PIXELS, Image, "It returned ndarray; expected Image."),
        (None, Image, "It returned NoneType; expected Image."),
        (Image(PIXELS.astype(np.float64)), Image, "It returned pixels of float64; expected float32."),
        (Image(PIXELS * np.nan), Image, "It returned pixels of which 18 of 18 values are not finite numbers."),
        (Image(PIXELS, ALPHA), Image, "It returned alpha of which 1 of 6 values are not finite numbers."),
        (Mask(PIXELS[..., 0] * np.float32(np.inf)), Mask, "It returned values of which 6 of 6 values are not finite numbers."),
        (Weights({"w": np.array([np.nan])}), Weights, "It returned w of which 1 of 1 values are not finite numbers."),
    ],
)  # fmt: skip
def test_a_result_that_is_none_is_refused(result, output, message, unchecked_types):
    with pytest.raises(StageError) as caught:
        call(lambda image: result, output=output)
    assert str(caught.value) == f"Stage 'made@1': {message}"


def raising(error: BaseException):
    def function(image: Image) -> Image:
        raise error

    return function


def test_a_stage_s_own_error_keeps_its_kind_and_hint():
    with pytest.raises(InputError) as caught:
        call(raising(InputError("The layer is too small.", hint="Choose a larger size.")))
    assert str(caught.value) == "Stage 'made@1': The layer is too small. Choose a larger size."


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (KeyError(), "KeyError"),
        (ValueError("two\nlines"), "ValueError: two"),
    ],
)
def test_another_error_becomes_one_sentence(error, reason):
    with pytest.raises(StageError) as caught:
        call(raising(error))
    assert caught.value.message == f"Stage 'made@1' failed with {reason}."
    assert caught.value.hint == "The run's folder holds the traceback."
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [MemoryError(), jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes.")]
)
def test_too_little_memory_is_said_plainly(error):
    with pytest.raises(StageError) as caught:
        call(raising(error))
    assert (
        str(caught.value) == "Stage 'made@1' needs more memory than is available. Choose a smaller size, or free some memory."
    )


def test_memory_that_numpy_cannot_get():
    with pytest.raises(StageError, match=r"needs more memory than is available"):
        call(lambda image: Image(np.ones((2**20, 2**30, 3), np.float32)))


OUT_OF_MEMORY = """
import resource
import sys
from pathlib import Path

from stylepipe.engine.environment import set_up_jax

set_up_jax(Path(sys.argv[1]), "float32")
import jax
import jax.numpy as jnp
import numpy as np

from stylepipe.artifacts import Image
from stylepipe.engine.execution.call_stage import execute
from stylepipe.errors import Place, StageError
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Params, stage

WAYS = {
    "alone": lambda x: jnp.full((30_000, 20_000, 3), x),
    "compiled": jax.jit(lambda x: jnp.broadcast_to(x, (30_000, 20_000, 3)) * 2),
    "within": jax.jit(lambda x: jnp.sort(jnp.broadcast_to(x, (30_000, 20_000, 3)) * jnp.arange(3), 0)[:9, :9]),
    "brought": lambda x: np.asarray(jnp.full((30_000, 20_000, 3), x)),
}


@stage(version=1)
def wide(params: Params) -> Image:
    return Image(WAYS[sys.argv[2]](jnp.float32(1)))


jnp.ones(3) + 1  # JAX's threads are there
resource.setrlimit(resource.RLIMIT_AS, (5_000_000_000, resource.RLIM_INFINITY))
try:
    execute(StageNode("n", wide, Params(), {}, Place("r.yaml", 1, 1)), {}, seed=0, emit=print, checkpoint=None, stop=None)
except StageError as error:
    print(error.message)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on the address space is Linux's")
@pytest.mark.parametrize("way", ["alone", "compiled", "within", "brought"])
def test_memory_that_xla_cannot_get_does_not_end_the_process(tmp_path, way):
    ended = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY, tmp_path, way], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "Stage 'n' needs more memory than is available.\n"), ended.stderr[-1000:]


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class Overexposed(InputError):
    """A class of a stage's package, made otherwise than the ones it is of."""

    def __init__(self, stops: float) -> None:
        super().__init__(f"It is {stops} EV too light.", hint="Take less light.")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SystemExit(7), "SystemExit: 7"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit(), "GeneratorExit"),
        (StopIteration(), "StopIteration"),
        (BaseExceptionGroup("several", [SystemExit(1)]), "BaseExceptionGroup: several (1 sub-exception)"),
        (ValueError("x" * 5_000_000), f"ValueError: {'x' * 488}…"),
        (ValueError("\udcff"), r"ValueError: \udcff"),
        (Unspeakable(), "Unspeakable: its message cannot be shown"),
    ],
)
def test_whatever_a_stage_raises_is_its_failure(error, reason):
    with pytest.raises(StageError) as caught:
        call(raising(error))
    assert caught.value.message == f"Stage 'made@1' failed with {reason}."
    assert caught.value.__cause__ is error
    assert "Error" in traceback_of(caught.value)
    assert len(traceback_of(caught.value)) < 60_000


@pytest.mark.parametrize("error", [Interrupted("Stopped."), UsageError("So it is not used."), StageContractError("Bad.")])
def test_errors_that_are_not_of_stages_become_stage_errors(error):
    with pytest.raises(StageError) as caught:
        call(raising(error))
    assert caught.value.message == f"Stage 'made@1': {error.message}"


def test_an_error_of_a_class_of_its_own_becomes_one_of_its_family():
    with pytest.raises(InputError) as caught:
        call(raising(Overexposed(2)))
    assert type(caught.value) is InputError
    assert (caught.value.message, caught.value.hint) == ("Stage 'made@1': It is 2 EV too light.", "Take less light.")


@pytest.mark.parametrize("error", [Interrupted("Stopped; its state is saved."), KeyboardInterrupt()])
def test_when_the_user_has_asked_to_stop_it_is_the_users_word(error):
    stop = StopRequest()
    stop.ask()
    with pytest.raises(type(error)) as caught:
        call(raising(error), stop=stop)
    assert caught.value is error


def test_what_a_stage_prints_is_no_result(capsys):
    def chatter(image: Image) -> Image:
        print("hello")
        return image

    call(chatter)
    assert capsys.readouterr() == ("", "hello\n")


def test_the_arguments_may_be_lists():
    @stage(version=1)
    def made(images: Sequence[Image], params: Params) -> Image:
        return images[1]

    node = StageNode("n", made, Params(), {"images": ("a", "b")}, Place("r.yaml", 1, 1))
    images = (Image(PIXELS), Image(PIXELS / 2))
    given = MappingProxyType({"images": images})
    result = execute(node, given, seed=0, emit=lambda event: None, checkpoint=CHECKPOINT, stop=StopRequest())
    assert np.array_equal(result.pixels, PIXELS / 2)

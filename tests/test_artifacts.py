"""Artifacts: their checks, their digests, and that saving and loading changes nothing."""

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from stylepipe.artifacts import Image, Mask, Weights, blank, digest, kind_of, load, outline, save
from stylepipe.errors import StoreError

PIXELS = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 4, 3)
KINDS_OF_NUMBERS = [np.float32, np.float16, ml_dtypes.bfloat16, np.float64, np.int64, np.uint8, np.bool_]

arrays = st.sampled_from([np.float32, np.float16, np.int32, np.uint8, np.bool_]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
weights = st.builds(
    Weights,
    st.dictionaries(st.text("abc/_1é", min_size=1, max_size=5), arrays, max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)


def tensors_of(artifact: Weights) -> dict:
    return {name: (array.dtype, array.shape, array.tobytes()) for name, array in artifact.tensors.items()}


@settings(max_examples=60, deadline=None)
@given(weights)
def test_weights_come_back_as_they_were(tmp_path_factory, artifact):
    path = tmp_path_factory.mktemp("saved") / "w.safetensors"
    save(artifact, path)
    again = load(path)
    assert tensors_of(again) == tensors_of(artifact)
    assert again.metadata == artifact.metadata
    assert digest(again) == digest(artifact)


@pytest.mark.parametrize(
    "artifact", [Image(PIXELS), Image(PIXELS, PIXELS[..., 0]), Mask(PIXELS[..., 1])], ids=["image", "alpha", "mask"]
)
def test_pictures_come_back_as_they_were(tmp_path, artifact):
    save(artifact, tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    assert type(again) is type(artifact)
    assert again.size == artifact.size == (2, 4)
    assert digest(again) == digest(artifact)
    for name, array in vars(artifact).items():
        assert np.array_equal(getattr(again, name), array) if array is not None else getattr(again, name) is None


def test_an_outline_is_as_large_and_holds_nothing(tmp_path):
    network = Weights({"kernel": np.ones((2, 3)), "scalar": np.ones(())}, {"of": "tests"})
    for artifact in (Image(PIXELS, PIXELS[..., 0]), Mask(PIXELS[..., 1]), network):
        save(artifact, tmp_path / "a.safetensors")
        seen = outline(tmp_path / "a.safetensors")
        if isinstance(seen, Weights):
            assert {name: np.shape(tensor) for name, tensor in seen.tensors.items()} == {"kernel": (2, 3), "scalar": ()}
            assert seen.metadata == {"of": "tests"}
        else:
            assert (type(seen), seen.size) == (type(artifact), (2, 4))
        if isinstance(seen, Image):
            assert seen.alpha is not None and np.any(seen.alpha) and np.min(seen.alpha) < 1  # transparent, and visible
    (tmp_path / "a.safetensors").write_bytes(b"no artifact")
    with pytest.raises(StoreError):
        outline(tmp_path / "a.safetensors")
    assert blank(10**6, 10**6, 3).base.nbytes == 4  # and not 12 TB


@pytest.mark.parametrize("dtype", KINDS_OF_NUMBERS)
def test_every_kind_of_number_is_kept(tmp_path, dtype):
    artifact = Weights({"scalar": np.asarray(1, dtype), "empty": np.zeros((0, 3), dtype), "row": np.ones(3, dtype)})
    save(artifact, tmp_path / "w")
    assert tensors_of(load(tmp_path / "w")) == tensors_of(artifact)


def test_the_digest_is_of_values_not_of_memory():
    reference = digest(Image(PIXELS))
    assert digest(Image(np.asfortranarray(PIXELS))) == reference
    assert digest(Image(np.repeat(PIXELS, 2, axis=0)[::2])) == reference
    assert digest(Image(PIXELS.astype(">f4"))) == reference
    assert digest(Image(jnp.asarray(PIXELS))) == reference


def test_memory_order_and_byte_order_do_not_reach_the_file(tmp_path):
    for number, pixels in enumerate([PIXELS, np.asfortranarray(PIXELS), PIXELS.astype(">f4"), jnp.asarray(PIXELS)]):
        save(Image(pixels), tmp_path / str(number))
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_the_digest_tells_everything_apart():
    one = np.ones((2, 2), np.float32)
    different = [
        Image(PIXELS),
        Image(PIXELS + np.float32(1e-7)),
        Image(PIXELS.reshape(4, 2, 3)),
        Image(PIXELS, np.zeros((2, 4), np.float32)),
        Mask(one),
        Weights({"values": one}),
        Weights({"values": one}, {"source": "x"}),
        Weights({"other": one}),
        Weights({"values": one.astype(np.int32)}),
        Weights({"values": one.view(np.int32)}),
        Weights({"values": one.reshape(4)}),
        Weights({"values": one.astype(np.float16)}),
        Weights({"values": one.astype(ml_dtypes.bfloat16)}),
    ]
    assert len({digest(artifact) for artifact in different}) == len(different)


def test_the_digest_does_not_depend_on_the_order_of_names():
    a, b = np.zeros(2, np.float32), np.ones(3, np.float32)
    assert digest(Weights({"a": a, "b": b}, {"x": "1", "y": "2"})) == digest(Weights({"b": b, "a": a}, {"y": "2", "x": "1"}))


def test_the_kinds_have_names():
    assert [kind_of(a) for a in (Image(PIXELS), Mask(PIXELS[..., 0]), Weights({}))] == ["image", "mask", "weights"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "another safetensors file", "no kind"])
def test_what_is_no_artifact_is_refused(tmp_path, damage):
    path = tmp_path / "damaged.safetensors"
    save(Image(PIXELS), path)
    whole = path.read_bytes()
    match damage:
        case "truncated":
            path.write_bytes(whole[:-5])
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("hello")
        case "another safetensors file":
            save_file({"pixels": PIXELS}, path)
        case "no kind":
            path.write_bytes(whole.replace(b'\\"image\\"', b'\\"imagX\\"'))
    with pytest.raises(StoreError, match=r"damaged\.safetensors is not a readable artifact"):
        load(path)


def test_a_missing_file_or_folder_is_the_system_s_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError) as caught:
        save(Image(PIXELS), tmp_path / "no" / "such" / "folder")
    assert caught.value.filename == str(tmp_path / "no" / "such" / "folder")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        save(Image(PIXELS), tmp_path / "file" / "x")


@pytest.mark.parametrize("make", [lambda: Image(PIXELS[0]), lambda: Image(PIXELS[..., :2]), lambda: Mask(PIXELS[0, 0])])
def test_other_shapes_are_refused(make, unchecked_types):
    with pytest.raises(ValueError, match=r"expected (pixels|values) of shape .*, received shape"):
        make()


def test_alpha_of_another_size_is_refused(unchecked_types):
    with pytest.raises(ValueError, match=r"expected alpha of shape \(2, 4\), received shape \(3, 4\)"):
        Image(PIXELS, np.zeros((3, 4), np.float32))

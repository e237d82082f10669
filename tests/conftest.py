"""What test modules share. Weights and pictures do not come with the project: tests skip where they are absent."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import config

from stylepipe import entry_points, plugins
from stylepipe.artifacts import Weights

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line has it; JAX loads its LAPACK later

# Most of the time goes into compiling small programs, each for one call: they are compiled as stylepipe's own large programs
# are (neural/xla/compile_options.py). XLA reads its flags when it first compiles, so that processes which tests start have
# none of these.
with pytest.MonkeyPatch.context() as _patch:
    _quickly = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
    _patch.setenv("XLA_FLAGS", f"{os.environ.get('XLA_FLAGS', '')} {_quickly}")
    jax.jit(lambda: 0)()

# The same examples each time, however slow the machine is.
settings.register_profile("seeded", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("seeded")

SHARED = Path(os.environ.get("STYLEPIPE_TEST_DATA") or Path(__file__).parents[2] / "shared")


def pytest_report_header() -> str:
    """The rate of a matrix product, in float32 on all cores: how fast the machine is, and how busy."""
    matrix, product = np.ones((512, 512), np.float32), jax.jit(jax.numpy.matmul)
    jax.block_until_ready(product(matrix, matrix))
    seconds, end = [], time.perf_counter() + 0.1
    while time.perf_counter() < end:
        start = time.perf_counter()
        jax.block_until_ready(product(matrix, matrix))
        seconds.append(time.perf_counter() - start)
    return f"matrix product: {2 * 512**3 / min(seconds) / 1e9:.0f} GFLOP/s"


def _present(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not here (it does not come with the project)")
    return path


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """The folder of network weights that $STYLEPIPE_WEIGHTS names, else the one beside the checkout."""
    return _present(Path(os.environ.get("STYLEPIPE_WEIGHTS") or SHARED / "weights"))


@pytest.fixture(scope="session")
def exact_vgg19(weights_folder: Path) -> Path:
    """The exact VGG-19, its first three blocks."""
    return _present(weights_folder / "vgg19_conv1_to_conv3.safetensors")


@pytest.fixture(scope="session")
def slim_vgg19(weights_folder: Path) -> Path:
    """A VGG-19 distilled to slim widths, to relu5_1."""
    return _present(weights_folder / "vgg19_distilled16x.safetensors")


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder of pictures for measuring: kodak, set5, seed_images, …"""
    return _present(SHARED / "data")


@pytest.fixture(scope="session")
def tiny_vgg() -> Weights:
    """A random network of few channels, to relu3_1, with activations of about 1."""
    draw = np.random.default_rng(3)
    tensors = {"normalise/kernel": np.eye(3)[None, None] * 2, "normalise/bias": np.full(3, -1.0)}
    before = 3
    for name, width in {"conv1_1": 6, "conv2_1": 8, "conv3_1": 8}.items():
        tensors[f"{name}/kernel"] = draw.normal(size=(3, 3, before, width)) / np.sqrt(4.5 * before)
        tensors[f"{name}/bias"] = draw.random(width)
        before = width
    return Weights({k: np.float32(v) for k, v in tensors.items()}, {"pooling": "max", "padding": "reflect"})


@pytest.fixture(scope="session")
def tiny_transformation() -> Weights:
    """An image-transformation network of two styles, before its training."""
    from stylepipe.neural.networks.transformation import fresh
    from stylepipe.neural.networks.transformation_layout import Transformation

    return fresh(jax.random.key(3), Transformation(channels=2, blocks=0, styles=2))


@pytest.fixture(scope="session")
def tiny_texture() -> Weights:
    """A texture network, before its training."""
    from stylepipe.neural.networks.texture import fresh
    from stylepipe.neural.networks.texture_layout import Texture

    return fresh(jax.random.key(3), Texture(sizes=2, channels=2))


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Signals count, also where the tests run in the background, or by `nohup`, and inherit that some are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Files need not outlast a failure of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What stylepipe keeps among the user's caches stays among the tests' own files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))
        yield


@pytest.fixture
def unchecked_types():
    """As users run it: without the checker of annotations that tests have, which comes before the project's own checks."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture
def install_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Mapping[str, str]], Path]]:
    """Installs a stage pack, given by the texts of its modules, as pip would: a package and its entry point on the path."""
    installed: list[str] = []

    def forget() -> None:
        plugins.stage_modules.cache_clear()
        plugins.find_stage.cache_clear()
        entry_points._installed.cache_clear()
        entry_points._distributions_of_package.cache_clear()
        for module in [name for name in sys.modules if name.partition(".")[0] in installed]:
            del sys.modules[module]

    def install(name: str, modules: Mapping[str, str]) -> Path:
        site = tmp_path / f"site-{name}"
        for path, text in {
            f"{name}/__init__.py": "",
            **{f"{name}/{module}.py": source for module, source in modules.items()},
            f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{name}-1.0.dist-info/entry_points.txt": f"[stylepipe.stages]\n{name} = {name}\n",
        }.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(text, encoding="utf-8")
        installed.append(name)
        monkeypatch.syspath_prepend(site)
        forget()
        return site

    yield install
    forget()

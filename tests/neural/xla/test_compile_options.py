import jax
import jax.numpy as jnp
import numpy as np

from stylepipe.neural.xla.compile_options import program


@program(static_argnames="power")
def powers(x, *, power):
    """Sums of powers."""
    return jnp.sum(x**power, axis=-1)


def test_it_is_the_function():
    x = np.random.default_rng(0).random((3, 4), np.float32)
    np.testing.assert_allclose(powers(x, power=3), np.sum(np.float64(x) ** 3, axis=-1), rtol=1e-5)
    assert (powers.__name__, powers.__doc__) == ("powers", "Sums of powers.")


def test_what_was_compiled_is_not_compiled_again():
    x, compiled = jnp.ones((5, 7)), []
    powers(jnp.ones((2, 2)), power=5)  # the first program of a process asks which options there are, by compiling

    def listen(event, seconds, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        powers.compile(x, power=5)
        assert len(compiled) == 1
        powers(x, power=5)
        assert len(compiled) == 1
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)

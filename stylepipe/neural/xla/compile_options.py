"""`jax.jit` for large programs: on the CPU they compile in less than half the time, and convolve faster."""

from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

import jax
from jax.stages import Compiled

P = ParamSpec("P")
R = TypeVar("R")

_ON_THE_CPU = {
    "xla_cpu_use_fusion_emitters": False,  # loops of several operations come from the older emitter, the quicker one
    "xla_backend_optimization_level": 1,  # LLVM goes over them once
    "xla_cpu_experimental_ynn_fusion_type": "",  # Eigen convolves: YNNPACK leaves half of two cores idle
}
"""Compiler options. They change with releases of JAX."""


class Program(Generic[P, R]):
    """A function of arrays, compiled at its first call for new shapes."""

    def __init__(self, function: Callable[P, R], options: dict[str, Any]) -> None:
        update_wrapper(self, function)
        self._function, self._options = function, options

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls the function."""
        return self._jitted(*args, **kwargs)

    def compile(self, *args: P.args, **kwargs: P.kwargs) -> Compiled:
        """Compiles the function for these arguments, so that the first call only computes."""
        return self._jitted.lower(*args, **kwargs).compile()

    @cached_property
    def _jitted(self) -> Any:
        """The compiled function, created lazily so that the device is not queried before."""
        options = _known() if jax.default_backend() == "cpu" else None
        return jax.jit(self._function, compiler_options=options, **self._options)


def program(**options: Any) -> Callable[[Callable[P, R]], Program[P, R]]:
    """Decorates an outermost function, with the options of `jax.jit`; functions that it calls use `jax.jit` itself."""
    return lambda function: Program(function, options)


@cache
def _known() -> dict[str, Any]:
    """Returns the options that this version of XLA knows."""
    return {name: value for name, value in _ON_THE_CPU.items() if _knows(name, value)}


def _knows(name: str, value: Any) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True

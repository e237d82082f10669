"""The contract of a stage: what a signature says, and which signatures are refused."""

from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np
import pytest
from pydantic import Field, ValidationError

from stylepipe.artifacts import Image, Mask, Weights
from stylepipe.stage import Estimate, Input, Params, Stage, StageContractError, same_size, stage


class Some(Params):
    """Parameters."""

    amount: float = Field(0.5, ge=0)


def test_a_signature_says_all() -> None:
    @stage(version=3)
    def mix(
        base: Image,
        others: Sequence[Image],
        region: Mask | None,
        params: Some,
        masks: Sequence[Mask] = (),
        guide: Optional[Image] = None,  # noqa: UP045 (both spellings are read)
        network: Weights | None = None,
        more: Sequence[Weights] | None = None,
        *,
        key: Any,
        checkpoint: Any,
    ) -> Mask:
        """Mixes pictures.

        And more about it.
        """
        raise NotImplementedError

    assert isinstance(mix, Stage)
    assert (mix.name, mix.version, mix.params, mix.output) == ("mix", 3, Some, "mask")
    assert mix.inputs == {
        "base": Input("image"),
        "others": Input("image", many=True),
        "region": Input("mask", optional=True),
        "masks": Input("mask", many=True, optional=True),
        "guide": Input("image", optional=True),
        "network": Input("weights", optional=True),
        "more": Input("weights", many=True, optional=True),
    }
    assert list(mix.inputs) == ["base", "others", "region", "masks", "guide", "network", "more"]
    assert mix.services == {"key", "checkpoint"}
    assert mix.module == __name__
    assert mix.summary == "Mixes pictures."


def test_a_stage_may_have_no_inputs_no_services_and_no_description() -> None:
    @stage(version=1)
    def blank(params: Params) -> Image:
        raise NotImplementedError

    assert (blank.inputs, blank.services, blank.summary) == ({}, frozenset(), "")


def test_calling_a_stage_calls_its_function() -> None:
    @stage(version=1)
    def first(images: Sequence[Image], params: Some, *, key: int) -> Image:
        calls.append((params.amount, key))
        return images[0]

    calls: list[tuple[float, int]] = []
    picture = Image(np.zeros((1, 1, 3), np.float32))
    assert first((picture,), Some(amount=2), key=7) is picture
    assert calls == [(2.0, 7)]


def test_a_stage_may_say_what_it_will_give_and_take() -> None:
    def brighter(image: Image, params: Some) -> Image:
        raise NotImplementedError

    picture = Image(np.zeros((2, 3, 3), np.float32))
    arguments = {"image": picture, "params": Some()}
    assert stage(version=1)(brighter).estimate(**arguments) == Estimate(None, None)
    assert stage(version=1, estimate=same_size("image"))(brighter).estimate(**arguments) == Estimate(picture)


def test_parameters_are_frozen_known_and_finite() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Some().amount = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Some(amout=1)  # type: ignore[call-arg]
    for number in (float("inf"), float("nan")):
        with pytest.raises(ValidationError, match="finite"):
            Some(amount=number)


class Clash(Params):
    """A parameter with the name of an input."""

    image: int = 0


class Use(Params):
    """A parameter with a name of the language's own."""

    use: int = 0


def no_params(image: Image) -> Image: ...
def plain_params(image: Image, params: dict) -> Image: ...
def untyped_params(image: Image, params) -> Image: ...
def untyped_input(image, params: Some) -> Image: ...
def array_input(image: bytes, params: Some) -> Image: ...
def nothing_input(image: None, params: Some) -> Image: ...
def either_input(image: Image | Mask, params: Some) -> Image: ...
def list_input(images: list[Image], params: Some) -> Image: ...
def bare_list_input(images: Sequence, params: Some) -> Image: ...
def mixed_list_input(images: Sequence[Image | Mask], params: Some) -> Image: ...
def many_inputs(*images: Image, params: Some) -> Image: ...
def no_output(image: Image, params: Some): ...
def other_output(image: Image, params: Some) -> Image | None: ...
def strange_service(image: Image, params: Some, *, clock: Any) -> Image: ...
def clashing(image: Image, params: Clash) -> Image: ...
def language_parameter(image: Image, params: Use) -> Image: ...
def language_input(foreach: Image, params: Some) -> Image: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_params, "its argument 'params' is annotated None; allowed is a subclass of Params."),
        (plain_params, "its argument 'params' is annotated <class 'dict'>; allowed is a subclass of Params."),
        (untyped_params, "its argument 'params' is annotated None; allowed is a subclass of Params."),
        (untyped_input, "its input 'image' is annotated None; allowed is one of image, mask, weights, folder."),
        (array_input, "its input 'image' is annotated <class 'bytes'>; allowed is one of image, mask, weights, folder."),
        (nothing_input, "its input 'image' is annotated <class 'NoneType'>; allowed is one of image, mask, weights, folder."),
        (
            either_input,
            "its input 'image' is annotated stylepipe.artifacts.Image | stylepipe.artifacts.Mask; allowed is one of",
        ),
        (list_input, "its input 'images' is annotated list[stylepipe.artifacts.Image]; allowed is one of"),
        (bare_list_input, "its input 'images' is annotated <class 'collections.abc.Sequence'>; allowed is one of"),
        (mixed_list_input, "its input 'images' is annotated collections.abc.Sequence["),
        (many_inputs, "it takes '*images'; allowed is one argument for each input."),
        (no_output, "it returns None; allowed is one of image, mask, weights."),
        (other_output, "it returns stylepipe.artifacts.Image | None; allowed is one of image, mask, weights."),
        (strange_service, "it asks for the service 'clock'; allowed is one of key, emit, checkpoint."),
        (clashing, "'image' is both an input and a parameter; allowed is a name of its own for each."),
        (language_parameter, "it takes 'use', which has a meaning of its own in recipes; allowed is another name."),
        (language_input, "it takes 'foreach', which has a meaning of its own in recipes; allowed is another name."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_signatures_that_are_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(StageContractError) as caught:
        stage(version=1)(function)
    assert str(caught.value).startswith(f"Stage '{function.__name__}' in {__name__}: {message}")

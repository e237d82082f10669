"""The recipe language as frozen models, before references are resolved; the parameters of each stage have a model of their own.

Fields of type `Any` may hold references; `templating` resolves them, and the stages' models check the result.
"""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from stylepipe.models import StrictModel

VERSION = 1
RESERVED = ("params", "item", "previous")

NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
LABEL = r"[A-Za-z0-9_.+-]{1,64}"
REFERENCE = r"^\$"
"""The pattern of a reference in JSON schemas."""


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text):
        raise ValueError("names begin with a letter and hold at most 64 letters, digits, '-' and '_'")
    return text


def _graph_name(text: str) -> str:
    if text in RESERVED:
        raise ValueError("it is reserved for references")
    return _name(text)


def _stage_name(text: str) -> str:
    """Checks a name, which in resolved recipes may be followed by an item: stylized@192."""
    name, at, label = text.partition("@")
    if at and not re.fullmatch(LABEL, label):
        raise ValueError("after '@', at most 64 letters, digits, '_', '.', '+' and '-' are allowed")
    _graph_name(name)
    return text


_PATTERN: dict[str, Any] = {"pattern": f"^{NAME}$"}

Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra=_PATTERN, examples=["ancient-city"])]
Use = Annotated[str, AfterValidator(_name), Field(json_schema_extra=_PATTERN, examples=["resize"])]
GraphName = Annotated[str, AfterValidator(_graph_name), Field(json_schema_extra=_PATTERN)]
StageName = Annotated[str, AfterValidator(_stage_name), Field(json_schema_extra={"pattern": f"^{NAME}(@{LABEL})?$"})]
Reference = Annotated[str, Field(json_schema_extra={"pattern": REFERENCE})]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Bound = Annotated[float, Field(ge=-1e15, le=1e15)]
Kind = Literal["image", "images", "mask", "weights", "folder"]
Channel = Literal["alpha", "luma", "red", "green", "blue"]

KINDS: tuple[Kind, ...] = get_args(Kind)


def _not_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("string_type", "null is not a path")
    return value


_Path = Annotated[str | None, BeforeValidator(_not_null), WithJsonSchema({"type": "string"})]


class InputBlock(StrictModel):
    """One input: its file, under the name of its kind, and how a mask is read from a picture."""

    model_config = ConfigDict(
        title="an input",
        json_schema_extra={
            "oneOf": [{"required": [kind]} for kind in KINDS],
            "dependentRequired": {"channel": ["mask"], "invert": ["mask"]},
        },
    )

    image: _Path = Field(None, description="The path of a picture.")
    images: _Path = Field(None, description="A list of pictures: a folder, a pattern, or a param that holds one or a list.")
    mask: _Path = Field(None, description="The path of a picture that is read as a mask: white is inside.")
    weights: _Path = Field(None, description="The name or the path of a network's weights.")
    folder: _Path = Field(None, description="The path of a folder: all pictures in it.")
    channel: Channel | Reference | None = Field(
        None,
        description="The channel of the picture that is the mask. By default alpha if only alpha varies, luma if only luma "
        "varies; required if both vary.",
    )
    invert: bool | Reference = Field(False, description="Whether black is inside instead of white.")

    @model_validator(mode="before")
    @classmethod
    def _of_one_kind(cls, data: Any) -> Any:
        keys = set(data) if isinstance(data, dict) else set()
        if len(keys & set(KINDS)) != 1 and keys <= set(cls.model_fields):
            raise PydanticCustomError("not_one_kind", "an input has one kind")
        if "mask" not in keys and (options := sorted(keys & {"channel", "invert"})):
            raise ValueError(f"'{options[0]}' is an option of a mask, and the input has no 'mask'")
        return data

    @property
    def file(self) -> tuple[Kind, str]:
        """The input's kind, and its path or name as written."""
        return next((kind, path) for kind in KINDS if (path := getattr(self, kind)) is not None)


class MaskOptions(StrictModel):
    """Options for reading a mask from a picture, with references resolved."""

    channel: Channel | None = None
    invert: bool = False


class StageBlock(StrictModel):
    """One stage: its kind, its items, and as further keys its inputs and parameters."""

    model_config = ConfigDict(extra="allow", title="a stage")

    use: Use = Field(description="The stage's name.")
    foreach: list[Any] | Reference | None = Field(
        None, description="Makes one stage per item; $item is the item, $previous the stage of the item before."
    )


class Range(StrictModel):
    """The range of a random value: whole numbers if the param's default is one, else rounded to four digits."""

    model_config = ConfigDict(title="range")

    low: Bound = Field(description="The smallest value.")
    high: Bound = Field(description="The largest value.")
    scale: Literal["linear", "log"] = Field(
        "linear", description="Whether the values or their logarithms are uniformly distributed."
    )


class Random(StrictModel):
    """Variants with random values, drawn from the recipe's seed."""

    model_config = ConfigDict(title="random")

    samples: Annotated[int, Field(ge=1)] = Field(description="The number of samples.")
    ranges: Annotated[dict[Name, Range], Field(min_length=1)] = Field(description="The range of each param.")


class Sweep(StrictModel):
    """Variants of the recipe: values for its params. Those of `grid`, `zip` and `random` are combined, each with each."""

    model_config = ConfigDict(title="sweep")

    grid: dict[Name, Annotated[list[Any], Field(min_length=1)]] = Field({}, description="Every combination of these values.")
    zip: dict[Name, Annotated[list[Any], Field(min_length=1)]] = Field(
        {}, description="Lists of equal length: all first values together, all second values, …"
    )
    random: Random | None = Field(None, description="Values drawn at random.")
    exclude: list[dict[Name, Any]] = Field([], description="Leaves out the variants that have all of these values.")
    include: list[dict[Name, Any]] = Field([], description="Further variants.")
    name: str | None = Field(None, description="A template of variant names, with references such as ${params.size}.")


class RecipeModel(StrictModel):
    """A recipe as written."""

    stylepipe: Literal[1] = Field(description="The version of the recipe language.")
    name: Name = Field(description="The name of the recipe, from which run folders are named.")
    description: str = Field("", description="What the recipe makes, for readers.")
    seed: Seed | Reference = Field(0, description="The seed of all random numbers.")
    extends: str | None = Field(None, description="A recipe in the same folder that this one changes.")
    params: dict[Name, Any] = Field({}, description="Values that -p and sweeps may change; the defaults determine the types.")
    inputs: dict[GraphName, InputBlock] = Field(
        {}, description=f"The files by name, each as `{{kind: path}}`; the kinds are {', '.join(KINDS)}."
    )
    stages: dict[StageName, StageBlock] = Field(description="The stages by name, in any order.")
    output: Reference | None = Field(None, description="The stage that is the result; this or outputs is needed.")
    outputs: dict[Name, Reference] | None = Field(None, description="The results, by name.")
    sweep: Sweep | None = Field(None, description="Variants, which `stylepipe sweep` runs.")

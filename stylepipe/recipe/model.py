"""The recipe's own part of the language as frozen models, before templates are resolved; a stage's parameters are the stage's.

What is written as `Any` here may hold references; `template` resolves them, and the stages' own models check the result.
"""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

VERSION = 1
RESERVED = ("params", "item", "previous")

NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
LABEL = r"[A-Za-z0-9_.+-]{1,64}"


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text):
        raise ValueError("names begin with a letter and hold at most 64 letters, digits, '-' and '_'")
    return text


def _graph_name(text: str) -> str:
    if text in RESERVED:
        raise ValueError("it has a meaning of its own in references")
    return _name(text)


def _stage_name(text: str) -> str:
    """A name, or one with an item behind it, as resolved recipes have them: stylized@192."""
    name, at, label = text.partition("@")
    if at and not re.fullmatch(LABEL, label):
        raise ValueError("behind '@' stand at most 64 letters, digits, '_', '.', '+' and '-'")
    _graph_name(name)
    return text


_PATTERN: dict[str, Any] = {"pattern": f"^{NAME}$"}

Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra=_PATTERN, examples=["ancient-city"])]
Use = Annotated[str, AfterValidator(_name), Field(json_schema_extra=_PATTERN, examples=["resize"])]
GraphName = Annotated[str, AfterValidator(_graph_name), Field(json_schema_extra=_PATTERN)]
StageName = Annotated[str, AfterValidator(_stage_name), Field(json_schema_extra={"pattern": f"^{NAME}(@{LABEL})?$"})]
Reference = Annotated[str, Field(json_schema_extra={"pattern": r"^\$"})]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Bound = Annotated[float, Field(ge=-1e15, le=1e15)]
Kind = Literal["image", "images", "mask", "weights", "folder"]
Channel = Literal["alpha", "luma", "red", "green", "blue"]

KINDS: tuple[Kind, ...] = get_args(Kind)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _not_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("string_type", "null is no path")
    return value


_Path = Annotated[str | None, BeforeValidator(_not_null), WithJsonSchema({"type": "string"})]


class InputBlock(_Model):
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
        description="Which channel of the picture is the mask. By default alpha where only that varies, luma where only that "
        "does; where both do, it must be said.",
    )
    invert: bool | Reference = Field(False, description="Whether black is inside, and not white.")

    @model_validator(mode="before")
    @classmethod
    def _of_one_kind(cls, data: Any) -> Any:
        keys = set(data) if isinstance(data, dict) else set()
        if len(keys & set(KINDS)) != 1 and keys <= set(cls.model_fields):
            raise PydanticCustomError("not_one_kind", "an input has one kind")
        if "mask" not in keys and (options := sorted(keys & {"channel", "invert"})):
            raise ValueError(f"'{options[0]}' says how a picture is read as a mask, and no 'mask' is named")
        return data

    @property
    def file(self) -> tuple[Kind, str]:
        """Its kind, and the path or the name as it is written."""
        return next((kind, path) for kind in KINDS if (path := getattr(self, kind)) is not None)


class MaskOptions(_Model):
    """How a mask is read from a picture, once references are resolved."""

    channel: Channel | None = None
    invert: bool = False


class StageBlock(_Model):
    """One stage: which one, over which items, and beside these its inputs and parameters (as further keys)."""

    model_config = ConfigDict(extra="allow", title="a stage")

    use: Use = Field(description="The stage's name.")
    foreach: list[Any] | Reference | None = Field(
        None, description="One stage per item; $item is it, $previous the stage before."
    )


class Range(_Model):
    """Where a random value is drawn from: whole numbers where the param's default is one, else rounded to four digits."""

    model_config = ConfigDict(title="range")

    low: Bound = Field(description="The least value.")
    high: Bound = Field(description="The greatest value.")
    scale: Literal["linear", "log"] = Field("linear", description="Evenly spread are the values, or their logarithms.")


class Random(_Model):
    """Variants with random values, which follow from the recipe's seed."""

    model_config = ConfigDict(title="random")

    samples: Annotated[int, Field(ge=1)] = Field(description="How many samples are drawn.")
    ranges: Annotated[dict[Name, Range], Field(min_length=1)] = Field(description="What each param is drawn from.")


class Sweep(_Model):
    """Variants of the recipe: values for its params. Of `grid`, `zip` and `random` each goes with each of the others."""

    model_config = ConfigDict(title="sweep")

    grid: dict[Name, Annotated[list[Any], Field(min_length=1)]] = Field({}, description="Every combination of these values.")
    zip: dict[Name, Annotated[list[Any], Field(min_length=1)]] = Field(
        {}, description="The first values together, the second …"
    )
    random: Random | None = Field(None, description="Values drawn at random.")
    exclude: list[dict[Name, Any]] = Field(
        [], description="Variants to leave out of those: the ones that have all of these values."
    )
    include: list[dict[Name, Any]] = Field([], description="Further variants.")
    name: str | None = Field(None, description="A variant's name, with ${params.size} and the like in it.")


class Recipe(_Model):
    """A recipe as it is written."""

    stylepipe: Literal[1] = Field(description="The version of the recipe language.")
    name: Name = Field(description="What the run's folder is called.")
    description: str = Field("", description="What it makes, for the reader.")
    seed: Seed | Reference = Field(0, description="What all random numbers are drawn from.")
    extends: str | None = Field(None, description="A recipe in the same folder that this one changes.")
    params: dict[Name, Any] = Field({}, description="What -p and sweeps may change, with defaults that give the types.")
    inputs: dict[GraphName, InputBlock] = Field(
        {}, description=f"The files by name, each as `{{kind: path}}`; the kinds are {', '.join(KINDS)}."
    )
    stages: dict[StageName, StageBlock] = Field(description="The stages by name, in any order.")
    output: Reference | None = Field(None, description="The stage that is the result; this or outputs is needed.")
    outputs: dict[Name, Reference] | None = Field(None, description="The results, by name.")
    sweep: Sweep | None = Field(None, description="Variants, which `stylepipe sweep` runs.")

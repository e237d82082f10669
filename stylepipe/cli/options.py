"""Options that several commands share, each declared once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from stylepipe.api.sources.user_paths import user_path
from stylepipe.cache_folder import expand_home
from stylepipe.errors import UsageError

_RECIPE = "The recipe, a YAML file, or the name of one that comes with stylepipe"

RecipePath = Annotated[str, typer.Argument(parser=expand_home, metavar="RECIPE", help=f"{_RECIPE}.", show_default=False)]
Source = Annotated[
    str,
    typer.Argument(
        parser=expand_home,
        metavar="RECIPE",
        help=f"{_RECIPE}; or a run, a picture that was made by one, or a bundle.",
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", metavar="NAME=VALUE", help="Sets a parameter; the value is YAML.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Prints JSON on stdout.")]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        parser=user_path,
        metavar="DIR",
        help="The cache folder. [default: $STYLEPIPE_CACHE, or the user's cache]",
        show_default=False,
    ),
]
Outputs = Annotated[Path, typer.Option("--outputs", parser=user_path, metavar="DIR", help="The folder of runs.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="STAGE", help="Runs from this stage on; earlier stages must be cached.", show_default=False),
]
Until = Annotated[str | None, typer.Option("--until", metavar="STAGE", help="Stops after this stage.", show_default=False)]
Force = Annotated[
    list[str] | None,
    typer.Option(
        "--force", metavar="STAGE", help="Runs this stage although it is cached; 'all' runs every stage.", show_default=False
    ),
]
NoLimits = Annotated[
    bool,
    typer.Option("--no-limits", help="Lifts the limits on stages, memory and time of a picture or bundle."),
]
NoEmbed = Annotated[bool, typer.Option("--no-embed", help="Does not embed the recipe in the pictures.")]


def overrides(pairs: Sequence[str] | None) -> Mapping[str, str]:
    """Parses `name=value` pairs. Raises UsageError for one without `=` or given twice."""
    values: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"-p {pair}: expected NAME=VALUE.", hint="For example -p size=512.")
        if name in values:
            raise UsageError(f"-p {name} is given twice.", hint="Give it once.")
        values[name] = value
    return values

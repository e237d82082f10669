"""The commands `cache …`: list, remove and verify cached results."""

from datetime import datetime
from typing import Annotated

import typer

from stylepipe.cli.commands.verify import DIFFERENT
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import CacheFolder, Json
from stylepipe.formatting import counted, short_digest

app = typer.Typer(help="The cache of results: ls, gc, verify.", no_args_is_help=True)


@app.command()
def ls(cache: CacheFolder = None, json: Json = False) -> None:
    """Lists cached results, the most recently used first."""
    from stylepipe.api.cache import ls as list_contents

    rows, data = [], []
    contents = list_contents(cache=cache)
    for entry in contents.actions:
        action, used = entry.action, datetime.fromtimestamp(entry.used).astimezone()
        size, took = f"{entry.size / 1e6:.1f} MB", f"{action.seconds:.1f} s"
        rows.append((short_digest(action.key), action.recipe, action.node, size, took, f"{used:%Y-%m-%d %H:%M}"))
        described = action.model_dump(mode="json", include={"key", "recipe", "node", "seconds"})
        data.append({**described, "size": entry.size, "used": used.isoformat()})
    console = Console(as_json=json)
    for programs in contents.programs:
        console.say(f"Compiled programs: {programs.number}, {programs.size / 1e6:.1f} MB, in {programs.folder}")
    text = table(("key", "recipe", "stage", "size", "took", "used"), rows, empty="The cache is empty.")
    console.result(text, data)


@app.command()
def gc(
    days: Annotated[
        int | None, typer.Option(min=0, max=36_500, help="Removes results not used for this many days.", show_default=False)
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Then removes the least recently used results, down to this total size: 500MB, 2GB.",
            show_default=False,
        ),
    ] = None,
    cache: CacheFolder = None,
    json: Json = False,
) -> None:
    """Removes old results, results beyond a size, and unreferenced objects."""
    from dataclasses import asdict

    from stylepipe.api.cache import gc as collect

    collected = collect(days=days, size=size, cache=cache)
    removed, kept = collected.removed_bytes / 1e6, collected.kept_bytes / 1e6
    text = f"Removed {counted(collected.actions, 'result')}, {removed:.1f} MB; kept {kept:.1f} MB."
    Console(as_json=json).result(text, asdict(collected))


@app.command()
def verify(cache: CacheFolder = None, json: Json = False) -> None:
    """Verifies every object; moves damaged ones aside, to be recomputed when needed."""
    from dataclasses import asdict

    from stylepipe.api.cache import verify as verify_cache

    verified = verify_cache(cache=cache)
    lines = [*verified.damaged, f"{counted(verified.checked, 'file')} read, {len(verified.damaged)} damaged."]
    Console(as_json=json).result("\n".join(lines), asdict(verified))
    if verified.damaged:
        raise typer.Exit(DIFFERENT)

"""The commands `cache …`: list, remove and verify cached results."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from stylepipe.cli.commands.verify import DIFFERENT
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import CacheFolder, Json
from stylepipe.errors import UsageError
from stylepipe.formatting import counted, short_digest

app = typer.Typer(help="The cache of results: ls, gc, verify.", no_args_is_help=True)

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@app.command()
def ls(cache: CacheFolder = None, json: Json = False) -> None:
    """Lists cached results, the most recently used first."""
    from stylepipe.api.sources.jobs import open_store
    from stylepipe.engine.cache.atomic_files import size_of
    from stylepipe.engine.cache.compiled_programs import programs, programs_folders
    from stylepipe.engine.garbage_collection import entries

    rows, data = [], []
    store = open_store(cache)
    for entry in entries(store):
        action, used = entry.action, datetime.fromtimestamp(entry.used).astimezone()
        size, took = f"{entry.size / 1e6:.1f} MB", f"{action.seconds:.1f} s"
        rows.append((short_digest(action.key), action.recipe, action.node, size, took, f"{used:%Y-%m-%d %H:%M}"))
        described = action.model_dump(mode="json", include={"key", "recipe", "node", "seconds"})
        data.append({**described, "size": entry.size, "used": used.isoformat()})
    console = Console(as_json=json)
    for folder in programs_folders(store.root):
        kept = [size_of(path) for path in programs(folder)]
        console.say(f"Compiled programs: {len(kept)}, {sum(kept) / 1e6:.1f} MB, in {folder}")
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

    from stylepipe.api.sources.jobs import open_store
    from stylepipe.engine.garbage_collection import collect

    age = None if days is None else timedelta(days=days)
    collected = collect(open_store(cache), max_age=age, max_size=None if size is None else _bytes(size))
    removed, kept = collected.removed_bytes / 1e6, collected.kept_bytes / 1e6
    text = f"Removed {counted(collected.actions, 'result')}, {removed:.1f} MB; kept {kept:.1f} MB."
    Console(as_json=json).result(text, asdict(collected))


@app.command()
def verify(cache: CacheFolder = None, json: Json = False) -> None:
    """Verifies every object; moves damaged ones aside, to be recomputed when needed."""
    from dataclasses import asdict

    from stylepipe.api.sources.jobs import open_store
    from stylepipe.engine.garbage_collection import verify as verify_store

    verified = verify_store(open_store(cache))
    lines = [*verified.damaged, f"{counted(verified.checked, 'file')} read, {len(verified.damaged)} damaged."]
    Console(as_json=json).result("\n".join(lines), asdict(verified))
    if verified.damaged:
        raise typer.Exit(DIFFERENT)


def _bytes(size: str) -> int:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?) ?([A-Z]+)", size.upper())
    if match is None or match[2] not in UNITS:
        raise UsageError(f"--size {size}: expected a number and one of {', '.join(UNITS)}.", hint="For example --size 2GB.")
    return int(float(match[1]) * UNITS[match[2]])

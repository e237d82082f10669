"""The command verify: repeats a run and compares the results."""

from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS
from stylepipe.cache_folder import expand_home
from stylepipe.cli.console import Console
from stylepipe.cli.options import Json, NoLimits, Outputs, overrides
from stylepipe.formatting import short_digest

if TYPE_CHECKING:
    from stylepipe.api.commands.verifying import RunVerification

DIFFERENT = 4

Verified = Annotated[
    str,
    typer.Argument(
        parser=expand_home, metavar="RUN", help="A run (folder, id, or end of the id), a picture of a run, or a bundle."
    ),
]
InputFiles = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", metavar="NAME=FILE", help="The current path of an input.", show_default=False),
]


def verify(
    run: Verified,
    params: InputFiles = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Shows no progress.")] = False,
    no_limits: NoLimits = False,
    outputs: Outputs = DEFAULT_OUTPUTS,
    json: Json = False,
) -> None:
    """Runs a run again and compares the results.

    It starts from the inputs and takes nothing from the cache. A result is exact if it has the same bytes, which is promised
    for the same platform, device, threads and versions; within tolerance if its picture has a PSNR of at least 40 dB; else
    different, with exit code 4.
    """
    from stylepipe.api.commands.verifying import verify as verify_run
    from stylepipe.neural.xla.allocator import keep_freed_memory
    from stylepipe.report.progress import observer

    keep_freed_memory()  # before JAX starts its threads
    console = Console(as_json=json)
    with observer(quiet=quiet) as observe:
        verification = verify_run(
            run, params=overrides(params), limits=not no_limits, outputs=outputs, observe=observe, note=console.say
        )
    _show(verification, console)
    if verification.verdict == "different":
        raise typer.Exit(DIFFERENT)


def _show(verification: "RunVerification", console: Console) -> None:
    """Prints the comparison of each result, and the verdict."""
    from stylepipe.sharing.verification import TOLERANCE

    changed, digests = verification.changed, verification.digests
    lines = []
    for name, result in verification.outputs.items():
        psnr = "" if result.psnr is None or result.verdict == "exact" else f", PSNR {result.psnr:.1f} dB"
        lines.append(f"{result.verdict}: {name} ({short_digest(digests[name])}){psnr}")
    because = ", ".join(f"{name} was {was}, is {now}" for name, (was, now) in changed.items())
    why = f"PSNR of at least {TOLERANCE:g} dB; {because}" if changed else "same platform, device, threads and versions"
    data = {
        "verdict": verification.verdict,
        "promised": verification.promised,
        "changed": {name: {"was": was, "is": now} for name, (was, now) in changed.items()},
        "tolerance": {"measure": "PSNR", "at_least": TOLERANCE},
        "outputs": {
            name: {
                "verdict": result.verdict,
                "digest": digests[name],
                "psnr": round(result.psnr, 2) if result.psnr is not None and isfinite(result.psnr) else None,
            }
            for name, result in verification.outputs.items()
        },
    }
    console.result("\n".join([*lines, f"promised: {verification.promised} ({why})"]), data)

"""The command verify: repeats a run and compares the results."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylepipe.cache_folder import expand_home
from stylepipe.cli.console import Console
from stylepipe.cli.options import DEFAULT_OUTPUTS, Json, NoLimits, Outputs, overrides, recipe_folders
from stylepipe.errors import UsageError
from stylepipe.formatting import short_digest

if TYPE_CHECKING:
    from stylepipe.engine.job import Job
    from stylepipe.engine.runner import RunResult
    from stylepipe.sharing.provenance import Provenance
    from stylepipe.sharing.verification import Verification

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


@dataclass(frozen=True)
class _Subject:
    """The subject of a verification: its provenance, its environment, its pictures, and folders of its inputs."""

    provenance: "Provenance"
    environments: Collection[Mapping[str, str | int]]
    pictures: Mapping[str, Path]
    folders: Collection[Path]


def verify(
    run: Verified,
    param: InputFiles = None,
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
    from stylepipe.cli.progress import observer
    from stylepipe.engine.cache.store import Store
    from stylepipe.engine.environment import environment
    from stylepipe.engine.runner import run as run_job
    from stylepipe.neural.xla.allocator import keep_freed_memory
    from stylepipe.sharing.limits import check_demands
    from stylepipe.sharing.unpacking import is_shared, placed_in
    from stylepipe.sharing.verification import changes, compare

    keep_freed_memory()  # before JAX starts its threads
    with TemporaryDirectory(prefix="stylepipe-") as temporary:
        folder = Path(temporary)
        subject = _subject(run, outputs, folder, limited=not no_limits)
        with placed_in(Path(run), folder), observer(quiet=quiet) as observe:
            job = _job(subject, folder, overrides(param))
            if is_shared(Path(run)) and not no_limits:
                check_demands(job)
            repeated = run_job(job, store=Store(folder / "cache"), outputs=folder / "outputs", observe=observe)
        results = {
            name: compare(digest, subject.pictures.get(name), repeated.record.outputs[name], repeated.outputs[name])
            for name, digest in subject.provenance.outputs.items()
        }
    _print(results, repeated, changes(subject.environments, environment()), Console(as_json=json))


def _subject(reference: str, outputs: Path, folder: Path, *, limited: bool) -> _Subject:
    """Finds the subject and writes its recipe into the folder. Raises as `unpack` and `find_run` do."""
    from stylepipe.cli.shared_recipes import weights_source
    from stylepipe.engine.runs.records import RECORD, find_run, load_run
    from stylepipe.sharing.unpacking import is_shared, unpack, unpack_run

    path = Path(reference)
    if is_shared(path):
        provenance = unpack(path, folder, weights_source(), limited=limited)
        if not (folder / RECORD).exists():
            return _Subject(
                provenance, [provenance.environment], dict.fromkeys(provenance.outputs, path), [path.parent, Path()]
            )
        record, pictures, folders = load_run(folder), {}, [path.parent, Path()]
    else:
        run_folder = find_run(outputs, reference)
        record = load_run(run_folder)
        provenance = unpack_run(run_folder, folder)
        pictures = {name: run_folder / output.file for name, output in record.outputs.items() if output.file.endswith(".png")}
        folders = [Path(), *recipe_folders(record.command)]
    if not provenance.outputs:
        raise UsageError(f"'{reference}' has no results to compare with.", hint="Verify a run that has ended.")
    environments = [stage.environment or record.environment for stage in record.stages.values()]
    return _Subject(provenance, environments, pictures, folders)


def _job(subject: _Subject, folder: Path, overrides: Mapping[str, str]) -> "Job":
    """Returns the job, with inputs whose digests match the record. Raises UsageError for missing inputs."""
    from stylepipe.cli.options import load_job
    from stylepipe.cli.shared_recipes import inputs_here
    from stylepipe.recipe.validation.problems import show
    from stylepipe.sharing.bundle import RESOLVED
    from stylepipe.sharing.find_inputs import require_inputs

    recorded = subject.provenance.inputs
    values = inputs_here(subject.provenance, folder, overrides=overrides, folders=list(subject.folders))
    params = [f"{name}={file}" for name, file in {**values, **overrides}.items()]
    job = load_job(folder / RESOLVED, params, indexed=False)
    require_inputs(overrides, (file.param for file in job.recipe.inputs.values() if file.param))
    for name, input_ in job.inputs.items():
        if name not in recorded or input_.sha256 != recorded[name].sha256:
            was = f"that of the run has the SHA-256 {recorded[name].sha256}" if name in recorded else "the run had none"
            hint = f"-p {input_.file.param or name}=FILE names another."
            raise UsageError(f"Input {show(name)} has the SHA-256 {input_.sha256}; {was}.", hint=hint)
    return job


def _print(
    results: Mapping[str, "Verification"], repeated: "RunResult", changed: Mapping[str, tuple[Any, Any]], console: Console
) -> None:
    """Prints the comparison of each result, and the verdict."""
    from stylepipe.sharing.verification import TOLERANCE, VERDICTS

    lines = []
    for name, result in results.items():
        measured = "" if result.psnr is None or result.verdict == "exact" else f", PSNR {result.psnr:.1f} dB"
        lines.append(f"{result.verdict}: {name} ({short_digest(repeated.record.outputs[name].digest)}){measured}")
    promised = VERDICTS[bool(changed)]
    because = ", ".join(f"{name} was {was}, is {now}" for name, (was, now) in changed.items())
    why = f"PSNR of at least {TOLERANCE:g} dB; {because}" if changed else "same platform, device, threads and versions"
    verdict = max((result.verdict for result in results.values()), key=VERDICTS.index)
    data = {
        "verdict": verdict,
        "promised": promised,
        "changed": {name: {"was": was, "is": now} for name, (was, now) in changed.items()},
        "tolerance": {"measure": "PSNR", "at_least": TOLERANCE},
        "outputs": {
            name: {
                "verdict": result.verdict,
                "digest": repeated.record.outputs[name].digest,
                "psnr": round(result.psnr, 2) if result.psnr is not None and isfinite(result.psnr) else None,
            }
            for name, result in results.items()
        },
    }
    console.result("\n".join([*lines, f"promised: {promised} ({why})"]), data)
    if verdict == "different":
        raise typer.Exit(DIFFERENT)

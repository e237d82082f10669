"""Runs a run again and compares the results: the function behind `stylepipe verify` and `stylepipe.verify`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stylepipe.api.commands.observing import observing
from stylepipe.api.sources.jobs import load_job
from stylepipe.api.sources.opened import inputs_here, weights_source
from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, recipe_folders, user_path
from stylepipe.api.sources.values import as_overrides
from stylepipe.engine import runner
from stylepipe.engine.cache.compiled_programs import programs_of_a_temporary_cache
from stylepipe.engine.cache.store import Store
from stylepipe.engine.environment import environment
from stylepipe.engine.events import Observer
from stylepipe.engine.job import Job
from stylepipe.engine.runs.records import RECORD, find_run, load_run
from stylepipe.errors import UsageError
from stylepipe.image.files.io import Notify, ignore
from stylepipe.recipe.validation.problems import show
from stylepipe.sharing.bundle import RESOLVED
from stylepipe.sharing.find_inputs import require_inputs
from stylepipe.sharing.limits import check_demands
from stylepipe.sharing.provenance import Provenance
from stylepipe.sharing.unpacking import is_shared, placed_in, unpack, unpack_run
from stylepipe.sharing.verification import VERDICTS, Verdict, Verification, changes, compare


@dataclass(frozen=True)
class RunVerification:
    """A verification: how each output compares, its new digest, and the changes of the environment, old and new, by name."""

    outputs: Mapping[str, Verification]
    digests: Mapping[str, str]
    changed: Mapping[str, tuple[Any, Any]]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all outputs."""
        return VERDICTS[max(VERDICTS.index(result.verdict) for result in self.outputs.values())]

    @property
    def promised(self) -> Verdict:
        """What an honest run gives: equal bytes in an equal environment, else pictures within the tolerance."""
        return VERDICTS[bool(self.changed)]


@dataclass(frozen=True)
class _Subject:
    """The subject of a verification: its provenance, its environments, its pictures, and folders of its inputs."""

    provenance: Provenance
    environments: Collection[Mapping[str, str | int]]
    pictures: Mapping[str, Path]
    folders: Collection[Path]


def verify(
    run: str | Path,
    /,
    *,
    params: Mapping[str, str] | None = None,
    limits: bool = True,
    outputs: str | Path = DEFAULT_OUTPUTS,
    observe: Observer | None = None,
    note: Notify = ignore,
    **values: Any,
) -> RunVerification:
    """Runs a run, picture or bundle again, with nothing from the cache, and compares the results.

    `values` and `params` are the current paths of inputs. Raises UsageError when an input is missing or is another one now,
    and as `run` does.
    """
    path = user_path(run)
    with as_overrides(values, params) as overrides, TemporaryDirectory(prefix="stylepipe-") as temporary:
        folder = Path(temporary)
        subject = _subject(path, user_path(outputs), folder, limited=limits)
        with placed_in(path, folder), observing(observe) as watch:
            job = _job(subject, folder, overrides, note=note)
            if is_shared(path) and limits:
                check_demands(job)
            with programs_of_a_temporary_cache():
                made = runner.run(job, store=Store(folder / "cache"), outputs=folder / "outputs", observe=watch)
        results = {
            name: compare(digest, subject.pictures.get(name), made.record.outputs[name], made.outputs[name])
            for name, digest in subject.provenance.outputs.items()
        }
    digests = {name: made.record.outputs[name].digest for name in results}
    return RunVerification(results, digests, changes(subject.environments, environment()))


def _subject(path: Path, outputs: Path, folder: Path, *, limited: bool) -> _Subject:
    """Finds the subject and writes its recipe into the folder. Raises as `unpack` and `find_run` do."""
    if is_shared(path):
        provenance = unpack(path, folder, weights_source(), limited=limited)
        folders = [path.parent, Path()]
        if not (folder / RECORD).exists():
            return _Subject(provenance, [provenance.environment], dict.fromkeys(provenance.outputs, path), folders)
        record, pictures = load_run(folder), {}
    else:
        run = find_run(outputs, str(path))
        record = load_run(run)
        provenance = unpack_run(run, folder)
        pictures = {name: run / output.file for name, output in record.outputs.items() if output.file.endswith(".png")}
        folders = [Path(), *recipe_folders(record.command)]
    if not provenance.outputs:
        raise UsageError(f"'{path}' has no results to compare with.", hint="Verify a run that came to its end.")
    environments = [stage.environment or record.environment for stage in record.stages.values()]
    return _Subject(provenance, environments, pictures, folders)


def _job(subject: _Subject, folder: Path, overrides: Mapping[str, str], *, note: Notify) -> Job:
    """Returns the job, with inputs whose digests match the record. Raises UsageError for missing inputs."""
    recorded = subject.provenance.inputs
    files = inputs_here(subject.provenance, folder, overrides=overrides, folders=list(subject.folders), note=note)
    job = load_job(folder / RESOLVED, {**files, **overrides}, indexed=False)
    require_inputs(overrides, (file.param for file in job.recipe.inputs.values() if file.param))
    for name, source in job.inputs.items():
        if name not in recorded or source.sha256 != recorded[name].sha256:
            was = f"that of the run has the SHA-256 {recorded[name].sha256}" if name in recorded else "the run had none"
            hint = f"-p {source.file.param or name}=FILE names another."
            raise UsageError(f"Input {show(name)} has the SHA-256 {source.sha256}; {was}.", hint=hint)
    return job

"""Runs a job: each stage's result comes from the store or from the stage, and is added to the run's folder."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stylepipe.artifacts import StageInput
from stylepipe.engine.cache.keys import Document, key_of
from stylepipe.engine.cache.pictures import attach_picture
from stylepipe.engine.cache.store import Action, Damaged, Session, Store
from stylepipe.engine.environment import environment
from stylepipe.engine.events import EngineNote, Event, Observer, PreviewSaved, RunEnded, RunStarted, StageCached
from stylepipe.engine.execution.compute_stage import Computation, compute
from stylepipe.engine.execution.held_artifacts import HeldArtifacts
from stylepipe.engine.execution.signals import StopRequest, stop_requests
from stylepipe.engine.execution.spool import frame_path, last_frame, parse_lines
from stylepipe.engine.failure_policy import Failures
from stylepipe.engine.inputs import read_input, require_unchanged
from stylepipe.engine.job import Job
from stylepipe.engine.plan import plan
from stylepipe.engine.runs.records import InputRecord, RunResult, StageRecord
from stylepipe.engine.runs.redaction import Redactor, shareable
from stylepipe.engine.runs.run_folder import Previews, RunFolder
from stylepipe.engine.workers.scheduler import Workers
from stylepipe.errors import FAILURES, InputError, Interrupted, StageError, StoreError, StylepipeError
from stylepipe.image.files.io import Notify, ignore


def run(
    job: Job,
    *,
    store: Store,
    outputs: Path,
    observe: Observer = lambda event: None,
    command: Sequence[str] = (),
    keep_going: bool = False,
    workers: Workers | None = None,
    previews: Previews = Previews(),  # noqa: B008 (frozen)
) -> RunResult:
    """Computes what is not cached, and writes a new folder under `outputs`, for failed and interrupted runs too.

    `command` is the command line of this run, which the record stores; it must not contain folders of this machine. With
    `keep_going` the run skips what depends on a failure (`failure_policy`) and ends as `failed`. `workers` compute stages
    ahead of the run.

    The first Ctrl-C, SIGTERM or SIGHUP saves the running stage's state and raises Interrupted, the second stops at once.
    Raises StageError, with the traceback in the run's folder; StoreError when the store or the folder cannot be written;
    InputError when an input cannot be decoded; UsageError when a stage before the selected ones is not cached; and, before
    the folder is created, RecipeError with all problems of the plan. With `keep_going`, stages with problems fail in turn.
    """
    with store.session() as session, stop_requests() as stop:
        if not keep_going:
            plan(job, store).require_sound()
        roots = [outputs, *store.folders, *(source.file.root for source in job.inputs.values())]
        redactor = Redactor([*roots, *(source.path.parent for source in job.inputs.values())])
        folder = RunFolder(outputs, job, redactor, command, previews)
        try:
            return _Run(job, session, folder, stop, observe, keep_going=keep_going, workers=workers).go()
        finally:
            folder.close()


class _Redo(Exception):
    """The stored result of the stage named by the argument is damaged: it must be computed again first."""


class _Run:
    """A run in progress, with the digests and values so far."""

    def __init__(
        self,
        job: Job,
        session: Session,
        folder: RunFolder,
        stop: StopRequest,
        observe: Observer,
        *,
        keep_going: bool,
        workers: Workers | None,
    ) -> None:
        self._job = job
        self._recipe = job.recipe
        self._session = session
        self._store = session.store
        self._folder = folder
        self._stop = stop
        self._observe = observe
        self._workers = workers
        self._digests = job.input_digests()
        self._values = HeldArtifacts()
        self._forced = set(job.forced)
        self._current: str | None = None
        self._failures = Failures(folder, self._report, keep_going=keep_going)

    def go(self) -> RunResult:
        """Processes all inputs, then all stages; finishes the record in any case."""
        try:
            try:
                self._report(RunStarted(self._folder.path, self._job.selection.stages))
                for name in self._job.inputs:
                    with self._failures.record(name):
                        self._take_input(name)
                self._take_stages()
            except KeyboardInterrupt:
                raise self._stop.interrupted("Stopped at once.") from None
        except BaseException as error:
            self._end_early(error)
            raise
        self._folder.end(self._failures.status)
        self._report(RunEnded(self._failures.status))
        record = self._folder.record
        files = {name: self._folder.path / output.file for name, output in record.outputs.items()}
        return RunResult(self._folder.path, record, files)

    def _end_early(self, error: BaseException) -> None:
        if self._workers:
            self._workers.stop()
        if isinstance(error, StylepipeError):
            error.run_folder = str(self._folder.path)
        status = "interrupted" if isinstance(error, Interrupted) else "failed"
        with suppress(StoreError):  # a full disk is probably the first error too, which is reported
            if isinstance(error, FAILURES):
                self._show_cached()
            self._folder.fail(error, self._current, self._failures.last_frame)
            self._folder.end(status)
            self._report(RunEnded(status))

    # --- taking results from the store, or computing them ----------------------------------------------------------------

    def _take_input(self, name: str) -> None:
        """Reads a picture that no run has read before, so that damage is reported before anything is computed.

        An input's action stores the notes on its file, and a picture where its own file cannot be shown.
        """
        self._stop.check()
        source = self._job.inputs[name]
        file = None
        if source.file.is_picture:
            document = self._job.input_document(name)
            action, value = self._find(key_of(document)), None
            if action is None:
                notes: list[str] = []
                value = self._value(name, note=notes.append)
                action = Action(
                    key=key_of(document), document=document, recipe=self._recipe.name, node=name, notes=tuple(notes)
                )
                self._session.commit(action)
            for note in action.notes:
                self._note(note)
            file = self._show_own_file(name) or self._show_picture(name, action, value)
        reference = shareable(self._recipe, source.file.reference)
        record = InputRecord(
            kind=source.file.kind, reference=reference, sha256=source.sha256, file=file, **source.file.mask_options
        )
        self._folder.add_input(name, record)

    def _take_stages(self) -> None:
        names = self._job.selection.stages
        position = 0
        while position < len(names):
            self._current = names[position]
            self._stop.check()
            try:
                with self._failures.record(names[position]):
                    self._take_stage(names[position])
            except _Redo as redo:
                position = names.index(redo.args[0])
            else:
                position += 1
                self._values.keep({need for stage in names[position:] for need in self._recipe.stages[stage].needs})
        self._current = None

    def _take_stage(self, name: str) -> None:
        if self._failures.skip(name, self._recipe.stages[name].needs):
            return
        document = self._job.stage_document(name, self._digests)
        key = key_of(document)
        try:
            action, cached = self._result(name, key, document)
        except (StageError, Interrupted):
            self._failures.last_frame = last_frame(self._store.root / "work" / key)
            raise
        if cached and self._is_shown(name, key):
            return  # it follows a stage that was computed again
        self._digests[name] = action.output
        self._session.remember(self._recipe.name, name, key)
        self._show_stage(name, action, cached=cached)

    def _result(self, name: str, key: str, document: Document) -> tuple[Action, bool]:
        """Returns the action, and whether it existed before this run."""
        computed_ahead = self._workers is not None and self._workers.wait_for(name, self._digests, self._stop, self._report)
        action = None if name in self._forced and not computed_ahead else self._find(key)
        return (action, not computed_ahead) if action else self._compute(name, key, document)

    def _compute(self, name: str, key: str, document: Document) -> tuple[Action, bool]:
        """Returns the action, and whether another run has computed it in the meantime."""
        if name not in self._job.selection.runs:
            raise self._job.not_cached(name)
        self._job.check_device(name)
        with self._session.exclusive(key, waiting=self._wait_for_other_run) as work:
            action = None if name in self._forced else self._find(key)
            if action:
                return action, True
            task = Computation(
                node=self._recipe.stages[name],
                recipe=self._recipe.name,
                seed=self._job.seed(name),
                document=document,
                reasons=self._job.reasons(name, document, self._store),
                forced=name in self._forced,
            )
            action, value = compute(
                task, task.node.bind(self._value), session=self._session, work=work, stop=self._stop, observe=self._report
            )
            self._values.put(name, value)
        self._forced.discard(name)
        return action, False

    def _find(self, key: str) -> Action | None:
        try:
            return self._session.use(key)
        except Damaged as damaged:
            self._note(f"{damaged.message} It is computed again.")
            return None

    def _value(self, name: str, note: Notify = ignore) -> StageInput:
        """Returns the artifact of an input or a stage, read on demand. Raises _Redo when the stored one is damaged."""
        value = self._values.get(name)
        if value is not None:
            return value
        if name in self._job.inputs:
            source = self._job.inputs[name]
            value = read_input(source, self._job.weights, note=self._note if source.file.kind == "folder" else note)
        else:
            try:
                value = self._store.load(self._digests[name])
            except Damaged as damaged:
                self._note(f"{damaged.message} It is computed again.", name)
                raise _Redo(name) from damaged
        self._values.put(name, value)
        return value

    def _show_cached(self) -> None:
        """Adds the cached results of stages that a failed run did not reach."""
        for name in self._job.selection.stages:
            ready = all(needed in self._digests for needed in self._recipe.stages[name].needs)
            if not ready or name in self._digests or name in self._forced:
                continue
            if action := self._find(key_of(self._job.stage_document(name, self._digests))):
                self._digests[name] = action.output
                with suppress(_Redo, InputError):  # one of its pictures is damaged
                    self._show_stage(name, action, cached=True)

    # --- showing them in the run's folder ----------------------------------------------------------------------------------

    def _is_shown(self, name: str, key: str) -> bool:
        return name in self._folder.record.stages and self._folder.record.stages[name].key == key

    def _show_stage(self, name: str, action: Action, *, cached: bool) -> None:
        file = self._show_picture(name, action) if "picture" in action.attachments else None
        animation = self._attachment(name, action, "animation")
        if cached:
            losses = self._attachment(name, action, "losses")
            self._report(StageCached(name, parse_lines(losses.read_bytes()) if losses else ()))
        node = self._recipe.stages[name]
        record = StageRecord(
            stage=node.stage.name,
            params=action.document["params"],
            inputs=node.inputs,
            key=action.key,
            cached=cached,
            reasons=() if cached else action.reasons,
            computed=action.created,
            seconds=action.seconds,
            iterations=action.iterations,
            output=action.output,
            file=file,
            animation=self._folder.add_animation(name, animation) if animation else None,
            environment=None if action.environment == environment() else action.environment,
        )
        self._folder.add_stage(name, record)
        for output in (output for output, source in self._recipe.outputs.items() if source == name):
            self._folder.add_output(output, name, self._folder.path / file if file else self._weights_file(name))
        if not cached:
            self._folder.save()

    def _show_own_file(self, name: str) -> str | None:
        """Adds an image's own file without metadata; returns None where that is impossible, and for masks, which are drawn."""
        source = self._job.inputs[name]
        require_unchanged(source, source.path)
        file = self._folder.add_shareable(name, source.path) if source.file.kind == "image" else None
        require_unchanged(source, source.path)
        return file

    def _show_picture(self, name: str, action: Action, value: StageInput | None = None) -> str:
        """Adds the stored picture of an input or a stage; draws it first if there is none."""
        picture = self._attachment(name, action, "picture")
        if picture is None:
            pictures = attach_picture(self._value(name) if value is None else value, self._session)
            self._session.commit(action.model_copy(update={"attachments": {**action.attachments, **pictures}}))
            picture = self._store.checked(pictures["picture"])
        return self._folder.add_picture(name, picture)

    def _attachment(self, name: str, action: Action, kind: str) -> Path | None:
        if kind not in action.attachments:
            return None
        try:
            return self._store.checked(action.attachments[kind])
        except Damaged as damaged:
            self._note(f"{damaged.message} It was the {kind}.", name)
            return None

    def _weights_file(self, name: str) -> Path:
        """Returns the verified stored file of a stage that produces weights."""
        self._value(name)
        return self._store.object_path(f"{self._digests[name]}.safetensors")

    # --- reporting --------------------------------------------------------------------------------------------------------

    def _report(self, event: Event) -> None:
        if isinstance(event, PreviewSaved):
            frame = frame_path(self._store.root / "work" / event.key, event.number)
            self._folder.add_preview(event.stage, frame)
        self._folder.write(event)
        self._observe(event)

    def _note(self, text: str, stage: str | None = None) -> None:
        self._report(EngineNote(text, stage))

    def _wait_for_other_run(self, seconds: float) -> None:
        if seconds == 0:
            self._note("Another run is computing this stage; waiting for its result.", self._current)
        self._stop.check()

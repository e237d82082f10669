"""Running a job: each stage's result from the store or from the stage itself, and all of it shown in the run's folder."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stylepipe.artifacts import Given
from stylepipe.engine.computation import Computation, compute
from stylepipe.engine.environment import environment
from stylepipe.engine.events import EngineNote, Event, Observer, RunEnded, RunStarted, StageCached
from stylepipe.engine.failures import Failures
from stylepipe.engine.inputs import read_input
from stylepipe.engine.interrupts import RESUME, StopRequest, stop_requests
from stylepipe.engine.job import Job
from stylepipe.engine.keys import Document, key_of
from stylepipe.engine.pictures import attach_picture
from stylepipe.engine.plan import plan
from stylepipe.engine.privacy import Redactor, shareable
from stylepipe.engine.records import InputRecord, RunResult, StageRecord
from stylepipe.engine.run_folder import RunFolder
from stylepipe.engine.spool import Frames, parse_lines
from stylepipe.engine.store import Action, Damaged, Session, Store
from stylepipe.engine.workers import Workers
from stylepipe.errors import Interrupted, StageError, StoreError


def run(
    job: Job,
    *,
    store: Store,
    outputs: Path,
    observe: Observer = lambda event: None,
    command: Sequence[str] = (),
    keep_going: bool = False,
    ahead: Workers | None = None,
) -> RunResult:
    """Computes what is not in the store, and leaves a new folder under `outputs`: a failed or interrupted run, too.

    `command` is what one types for this run, which the record keeps; it must name no folder of this machine.
    With `keep_going` it goes on without what fails, as `failures` says, its status `failed` then. Others may compute `ahead`.

    The first Ctrl-C saves the running stage's state and raises Interrupted, the second stops at once. Raises StageError, with
    the traceback in the run's folder; StoreError when the store or the folder cannot be written; InputError when an input
    cannot be decoded; UsageError when a stage before the selected ones is not in the store; and, before there is a folder,
    RecipeError with all that the plan finds wrong. Where the run is to keep going, stages with problems fail in their turn.
    """
    with store.session() as session, stop_requests() as stop:
        if not keep_going:
            plan(job, store).require_sound()
        roots = [outputs, *store.folders, *(found.file.root for found in job.inputs.values())]
        redactor = Redactor([*roots, *(found.path.parent for found in job.inputs.values())])
        folder = RunFolder(outputs, job, redactor, command)
        try:
            return _Run(job, session, folder, stop, observe, keep_going=keep_going, ahead=ahead).go()
        finally:
            folder.close()


class _Redo(Exception):
    """The stored result of this stage, its argument, was found damaged: it must be computed again before what needs it."""


class _Run:
    """A run under way: the digests and values known so far."""

    def __init__(
        self,
        job: Job,
        session: Session,
        folder: RunFolder,
        stop: StopRequest,
        observe: Observer,
        *,
        keep_going: bool,
        ahead: Workers | None,
    ) -> None:
        self._job = job
        self._recipe = job.recipe
        self._session = session
        self._store = session.store
        self._folder = folder
        self._stop = stop
        self._observe = observe
        self._ahead = ahead
        self._digests = job.input_digests()
        self._values: dict[str, Given] = {}
        self._forced = set(job.forced)
        self._current: str | None = None
        self._failures = Failures(folder, self._tell, keep_going=keep_going)

    def go(self) -> RunResult:
        """All inputs, then all stages; the record is brought to its end whatever happens."""
        try:
            try:
                self._tell(RunStarted(self._folder.path, self._job.selection.stages))
                for name in self._job.inputs:
                    with self._failures.apart(name):
                        self._take_input(name)
                self._take_stages()
            except KeyboardInterrupt:
                raise Interrupted("Stopped at once.", hint=RESUME) from None
        except BaseException as error:
            self._end_early(error)
            raise
        self._folder.end(self._failures.status)
        self._tell(RunEnded(self._failures.status))
        record = self._folder.record
        files = {name: self._folder.path / output.file for name, output in record.outputs.items()}
        return RunResult(self._folder.path, record, files)

    def _end_early(self, error: BaseException) -> None:
        if self._ahead:
            self._ahead.stop()
        status = "interrupted" if isinstance(error, Interrupted) else "failed"
        with suppress(StoreError):  # a full disk is most likely the first error too, which is the one to report
            self._folder.fail(error, self._current, self._failures.last_frame)
            self._folder.end(status)
            self._tell(RunEnded(status))

    # --- taking results from the store, or computing them ----------------------------------------------------------------

    def _take_input(self, name: str) -> None:
        """An input's action holds only its picture, so that another run can show it without decoding the file."""
        self._stop.check()
        found = self._job.inputs[name]
        file = None
        if found.file.is_picture:
            document = self._job.input_document(name)
            action = self._find(key_of(document))
            if action is None:
                pictures = attach_picture(self._value(name), self._session)
                action = Action(
                    key=key_of(document), document=document, attachments=pictures, recipe=self._recipe.name, node=name
                )
                self._session.commit(action)
            file = self._show_picture(name, action)
        reference = shareable(self._recipe, found.file.reference)
        self._folder.add_input(name, InputRecord(kind=found.file.kind, reference=reference, sha256=found.sha256, file=file))

    def _take_stages(self) -> None:
        names = self._job.selection.stages
        position = 0
        while position < len(names):
            self._current = names[position]
            self._stop.check()
            try:
                with self._failures.apart(names[position]):
                    self._take_stage(names[position])
            except _Redo as redo:
                position = names.index(redo.args[0])
            else:
                position += 1
                self._forget_values(names[position:])
        self._current = None

    def _take_stage(self, name: str) -> None:
        if self._failures.rule_out(name, self._recipe.stages[name].needs):
            return
        document = self._job.stage_document(name, self._digests)
        key = key_of(document)
        try:
            action, cached = self._result(name, key, document)
        except StageError:
            work = self._store.root / "work" / key
            self._failures.last_frame = Frames(work).last() if work.is_dir() else None
            raise
        if cached and self._is_shown(name, key):
            return  # it follows a stage that had to be done again
        self._digests[name] = action.output
        self._session.remember(self._recipe.name, name, key)
        self._show_stage(name, action, cached=cached)

    def _result(self, name: str, key: str, document: Document) -> tuple[Action, bool]:
        """The action, and whether it was there before this run."""
        made = self._ahead is not None and self._ahead.settle(name, self._digests, self._stop, self._tell)
        action = None if name in self._forced and not made else self._find(key)
        return (action, not made) if action else self._compute(name, key, document)

    def _compute(self, name: str, key: str, document: Document) -> tuple[Action, bool]:
        """The action and whether another run has computed it in the meantime."""
        if name not in self._job.selection.runs:
            raise self._job.not_cached(name)
        self._job.check_device(name)
        with self._session.flight(key, waiting=self._wait_for_other_run) as work:
            action = None if name in self._forced else self._find(key)
            if action:
                return action, True
            task = Computation(
                node=self._recipe.stages[name],
                recipe=self._recipe.name,
                seed=self._job.seed(name),
                document=document,
                reasons=self._job.reasons(name, document, self._store),
            )
            action, self._values[name] = compute(
                task, task.node.bind(self._value), session=self._session, work=work, stop=self._stop, tell=self._tell
            )
        self._forced.discard(name)
        return action, False

    def _find(self, key: str) -> Action | None:
        try:
            return self._session.use(key)
        except Damaged as damaged:
            self._note(f"{damaged.message} It is made again.")
            return None

    def _value(self, name: str) -> Given:
        """The artifact of an input or a stage, read when it is first needed. Raises _Redo when the stored one is damaged."""
        if name in self._values:
            return self._values[name]
        if name in self._job.inputs:
            value = read_input(self._job.inputs[name], self._job.weights)
        else:
            try:
                value = self._store.load(self._digests[name])
            except Damaged as damaged:
                self._note(f"{damaged.message} It is made again.", name)
                raise _Redo(name) from damaged
        self._values[name] = value
        return value

    def _forget_values(self, ahead: Sequence[str]) -> None:
        """Frees the memory of what no stage ahead needs."""
        needed = {name for stage in ahead for name in self._recipe.stages[stage].needs}
        self._values = {name: value for name, value in self._values.items() if name in needed}

    # --- showing them in the run's folder ----------------------------------------------------------------------------------

    def _is_shown(self, name: str, key: str) -> bool:
        return name in self._folder.record.stages and self._folder.record.stages[name].key == key

    def _show_stage(self, name: str, action: Action, *, cached: bool) -> None:
        file = self._show_picture(name, action)
        animation = self._attachment(name, action, "animation")
        if cached:
            losses = self._attachment(name, action, "losses")
            self._tell(StageCached(name, parse_lines(losses) if losses else ()))
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
            animation=self._folder.write_picture(name, animation, ".webp") if animation else None,
            environment=None if action.environment == environment() else action.environment,
        )
        self._folder.add_stage(name, record)
        for output in (output for output, source in self._recipe.outputs.items() if source == name):
            self._folder.add_output(output, name, self._folder.path / file if file else self._weights_file(name))
        if not cached:
            self._folder.save()

    def _show_picture(self, name: str, action: Action) -> str | None:
        if "picture" not in action.attachments:
            return None
        data = self._attachment(name, action, "picture")
        if data is None:
            pictures = attach_picture(self._value(name), self._session)
            self._session.commit(action.model_copy(update={"attachments": {**action.attachments, **pictures}}))
            data = self._store.read(pictures["picture"])
        return self._folder.write_picture(name, data, ".png")

    def _attachment(self, name: str, action: Action, kind: str) -> bytes | None:
        if kind not in action.attachments:
            return None
        try:
            return self._store.read(action.attachments[kind])
        except Damaged as damaged:
            self._note(f"{damaged.message} It was the {kind}.", name)
            return None

    def _weights_file(self, name: str) -> Path:
        """The stored file of a stage that makes weights, once it is known to be sound."""
        self._value(name)
        return self._store.object_path(f"{self._digests[name]}.safetensors")

    # --- telling -----------------------------------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        self._folder.write(event)
        self._observe(event)

    def _note(self, text: str, stage: str | None = None) -> None:
        self._tell(EngineNote(text, stage))

    def _wait_for_other_run(self, seconds: float) -> None:
        if seconds == 0:
            self._note("Another run is computing this stage; waiting for its result.", self._current)
        self._stop.check()

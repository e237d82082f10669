"""Computes one stage, from its inputs to its action in the store, resuming from its last checkpoint if there is one."""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from stylepipe.artifacts import Artifact
from stylepipe.engine.cache.atomic_files import cache_errors, make_folder, make_room
from stylepipe.engine.cache.compiled_programs import compiled_programs
from stylepipe.engine.cache.keys import PRECISION, Document, key_of, trajectory_of
from stylepipe.engine.cache.pictures import attach_picture
from stylepipe.engine.cache.store import Action, Session
from stylepipe.engine.environment import environment
from stylepipe.engine.events import EngineNote, Observer, PreviewSaved, StageEmitted, StageFinished, StageStarted
from stylepipe.engine.execution import trajectories
from stylepipe.engine.execution.call_stage import Arguments, execute
from stylepipe.engine.execution.checkpoints import DiskCheckpoint
from stylepipe.engine.execution.emitted_events import plain
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.execution.spool import Frames, Losses, last_frame
from stylepipe.errors import Interrupted, StoreError
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Frame, Note, Progress


@dataclass(frozen=True)
class Computation:
    """A stage to compute: the node, its recipe, everything that its result depends on, and why it is not cached.

    A `forced` one does not continue other computations.
    """

    node: StageNode
    recipe: str
    seed: int
    document: Document
    reasons: tuple[str, ...]
    forced: bool = False

    @property
    def key(self) -> str:
        """The key of the result."""
        return key_of(self.document)

    @property
    def trajectory(self) -> str | None:
        """The key shared by computations that differ only in their stopping point; None for a stage without a trajectory."""
        trajectory = self.node.stage.trajectory
        return key_of(trajectory_of(self.document, trajectory.stopping)) if trajectory else None


def compute(
    task: Computation,
    arguments: Arguments,
    *,
    session: Session,
    work: Path,
    stop: StopRequest,
    observe: Observer,
) -> tuple[Action, Artifact]:
    """Runs the stage, and stores its result with its attachments; empties `work` afterwards.

    When the user asks to stop, a stage with checkpoints stops once its state is saved, any other at its next emission. Raises
    what `execute` raises, StoreError, and Interrupted.
    """
    name = task.node.name
    frames, losses, checkpoint = _open(task, session=session, work=work, stop=stop, observe=observe)

    def emit(emitted: Progress | Frame | Note) -> None:
        event = plain(emitted)
        match event:
            case Progress():
                losses.add(event)
                observe(StageEmitted(name, event))
            case Frame(pixels):
                observe(PreviewSaved(name, task.key, frames.add(pixels)))
            case Note():
                observe(StageEmitted(name, event))
        if "checkpoint" not in task.node.stage.services:
            stop.check()

    observe(StageStarted(name, task.reasons, losses.lines()))
    for number in frames.numbers:
        observe(PreviewSaved(name, task.key, number))
    start = time.monotonic()
    try:
        with compiled_programs(session.store.root, PRECISION):
            artifact = execute(task.node, arguments, seed=task.seed, emit=emit, checkpoint=checkpoint, stop=stop)
    except Interrupted:
        _keep(task, checkpoint, session=session, work=work, finished=False)
        raise
    seconds = checkpoint.seconds + time.monotonic() - start
    output = session.put(artifact)
    attachments = attach_picture(artifact, session)
    if last_frame(work):
        attachments["animation"] = session.attach(frames.assemble, ".webp")
    if losses.count:
        attachments["losses"] = session.attach(losses.copy, ".jsonl")
    action = Action(
        key=task.key,
        document=task.document,
        output=output,
        attachments=attachments,
        recipe=task.recipe,
        node=name,
        reasons=task.reasons,
        seconds=round(seconds, 3),
        iterations=losses.done,
        environment=environment(),
    )
    session.commit(action)
    _keep(task, checkpoint, session=session, work=work, finished=True)
    shutil.rmtree(work, ignore_errors=True)
    observe(StageFinished(name, seconds))
    return action, artifact


class _WorkFolder(NamedTuple):
    """An open work folder."""

    frames: Frames
    losses: Losses
    checkpoint: DiskCheckpoint


def _open(task: Computation, *, session: Session, work: Path, stop: StopRequest, observe: Observer) -> _WorkFolder:
    """Opens a work folder; one without a state is filled from a computation that this one continues."""

    def opened() -> _WorkFolder:
        make_room(work, folder=True)
        make_folder(work)
        frames, losses = Frames(work), Losses(work)
        trajectory, note = task.node.stage.trajectory, lambda text: observe(EngineNote(text, task.node.name))
        continues = partial(trajectory.passes_through, task.node.params) if trajectory else lambda state: True
        return _WorkFolder(frames, losses, DiskCheckpoint(work, frames, losses, stop=stop, note=note, continues=continues))

    with cache_errors(work):
        own = opened()
        if task.forced or not task.trajectory or own.checkpoint.resumes:
            return own
        trajectories.adopt(session, task.trajectory, work)
        adopted = opened()
        if adopted.checkpoint.damaged:
            trajectories.discard(session.store, task.trajectory)
        return adopted


def _keep(task: Computation, checkpoint: DiskCheckpoint, *, session: Session, work: Path, finished: bool) -> None:
    """Saves the state for longer computations; a full disk is ignored."""
    if task.trajectory:
        with suppress(StoreError):
            if finished:
                checkpoint.keep(trajectories.LIMIT)
            trajectories.keep(session, task.trajectory, work, finished=finished)

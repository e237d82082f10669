"""One stage from its inputs to its action in the store, going on from its last checkpoint if there is one."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from stylepipe.artifacts import Artifact
from stylepipe.engine.checkpoints import Checkpoint
from stylepipe.engine.emitted import plain
from stylepipe.engine.environment import environment
from stylepipe.engine.events import EngineNote, Observer, StageEmitted, StageFinished, StageStarted
from stylepipe.engine.execute import Arguments, execute
from stylepipe.engine.files import cache_errors
from stylepipe.engine.interrupts import StopRequest
from stylepipe.engine.keys import PRECISION, Document, key_of
from stylepipe.engine.pictures import attach_picture
from stylepipe.engine.programs import compiled_programs
from stylepipe.engine.spool import Frames, Losses
from stylepipe.engine.store import Action, Session
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import Frame, Note, Progress


@dataclass(frozen=True)
class Computation:
    """A stage to compute: the node, the recipe it is of, all that its result depends on, and why it is not in the store."""

    node: StageNode
    recipe: str
    seed: int
    document: Document
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        """The key that the result will have."""
        return key_of(self.document)


def compute(
    task: Computation,
    arguments: Arguments,
    *,
    session: Session,
    work: Path,
    stop: StopRequest,
    tell: Observer,
) -> tuple[Action, Artifact]:
    """Runs the stage, and stores its result with all that belongs to it; `work` is emptied then.

    When the user asks to stop, a stage with checkpoints does so once its state is saved, another one where it next emits
    something. Raises what `execute` raises, StoreError, and Interrupted.
    """
    name = task.node.name
    with cache_errors(work):
        work.mkdir(exist_ok=True)
        frames, losses = Frames(work), Losses(work)
        checkpoint = Checkpoint(
            work,
            spools={"frames": frames, "losses": losses},
            stop=stop,
            note=lambda text: tell(EngineNote(text, name)),
        )

    def emit(emitted: Progress | Frame | Note) -> None:
        event = plain(emitted)
        match event:
            case Progress():
                losses.add(event)
            case Frame(pixels):
                frames.add(pixels)
        tell(StageEmitted(name, event))
        if "checkpoint" not in task.node.stage.services:
            stop.check()

    tell(StageStarted(name, task.reasons, losses.lines()))
    began = time.monotonic()
    with compiled_programs(session.store.root, PRECISION):
        artifact = execute(task.node, arguments, seed=task.seed, emit=emit, checkpoint=checkpoint, stop=stop)
    seconds = checkpoint.seconds + time.monotonic() - began
    output = session.put(artifact)
    attachments = attach_picture(artifact, session)
    if frames.count:
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
    shutil.rmtree(work, ignore_errors=True)
    tell(StageFinished(name, seconds))
    return action, artifact

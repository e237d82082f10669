"""Tasks for workers: one stage each, whose result goes into the shared store."""

from collections.abc import Mapping
from dataclasses import dataclass

from stylepipe.artifacts import StageInput
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.store import Session
from stylepipe.engine.events import EngineNote, Observer
from stylepipe.engine.execution.call_stage import traceback_of
from stylepipe.engine.execution.compute_stage import Computation, compute
from stylepipe.engine.execution.held_artifacts import HeldArtifacts
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.inputs import read_input
from stylepipe.engine.job import Job
from stylepipe.engine.workers.messages import Done, Failed, Left
from stylepipe.errors import FAILURES, Interrupted, StageError, StoreError, reason_of
from stylepipe.image.files.io import ignore

INSTALL_HINT = "Install the same stylepipe and the same stages for all workers."


@dataclass(frozen=True)
class Task:
    """A stage to compute, with the part of the job that it needs.

    `digests` has those of its inputs, `key` is that of its result, `reasons` say why that is not in the store.
    """

    stage: str
    job: Job
    digests: Mapping[str, str]
    key: str
    reasons: tuple[str, ...]


def compute_task(
    task: Task, session: Session, artifacts: HeldArtifacts, stop: StopRequest, observe: Observer
) -> Done | Failed | Left:
    """Computes the stage and stores its result, unless it is stored already. Raises Interrupted when asked to stop.

    `artifacts` has artifacts that earlier tasks have read, by name and digest.
    """

    def value(name: str) -> StageInput:
        identity = f"{name} {task.digests[name]}"
        if artifact := artifacts.get(identity):
            return artifact
        if name not in job.inputs:
            artifact = session.store.load(task.digests[name])
        elif job.inputs[name].file.kind == "folder":
            return read_input(job.inputs[name], job.weights, note=lambda text: observe(EngineNote(text, task.stage)))
        else:  # the run itself has read it before, and reported its notes
            artifact = read_input(job.inputs[name], job.weights, note=ignore)
        artifacts.put(identity, artifact)
        return artifact

    job, node = task.job, task.job.recipe.stages[task.stage]
    try:
        document = job.stage_document(task.stage, task.digests)
        if key_of(document) != task.key:
            message = f"Stage '{task.stage}': its worker has different code than this run, or a different kind of device."
            raise StageError(message, hint=INSTALL_HINT)
        with session.exclusive(task.key, waiting=lambda seconds: stop.check()) as work:
            action = None if task.stage in job.forced else session.use(task.key)
            if action:
                return Done(task.stage, task.key, action.output, computed=False)
            forced = task.stage in job.forced
            computation = Computation(node, job.recipe.name, job.seed(task.stage), document, task.reasons, forced)
            action, _ = compute(computation, node.bind(value), session=session, work=work, stop=stop, observe=observe)
            return Done(task.stage, task.key, action.output, computed=True)
    except FAILURES as error:
        return Failed.of(task.stage, error, traceback_of(error) if error.__cause__ else "")
    except StoreError:
        return Left(task.stage)
    except Interrupted:
        raise
    except Exception as error:
        return unexpected(task.stage, error)


def unexpected(stage: str, error: BaseException) -> Failed:
    """Returns the failure for an error of the worker that is not one of the stage."""
    failure = StageError(f"Stage '{stage}': its worker failed with {reason_of(error)}.", hint=INSTALL_HINT)
    return Failed.of(stage, failure, traceback_of(error))

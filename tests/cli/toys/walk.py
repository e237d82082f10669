"""The stage `walk`: step by step, telling its progress, with checkpoints."""

import time

import numpy as np

from stylepipe.artifacts import Image
from stylepipe.stage import Checkpoint, Emit, Note, Params, Progress, stage


class WalkParams(Params):
    """How far, how fast."""

    steps: int = 20
    seconds: float = 0.0


@stage(version=1)
def walk(image: Image, params: WalkParams, *, emit: Emit, checkpoint: Checkpoint) -> Image:
    """Darkens a little at each step."""
    saved = checkpoint.load()
    done, pixels = (int(saved["done"]), saved["pixels"]) if saved else (0, image.pixels)
    while done < params.steps:
        time.sleep(params.seconds)
        pixels, done = pixels * np.float32(0.9), done + 1
        emit(Progress(done, params.steps, loss=1 / done))
        checkpoint.offer(lambda done=done, pixels=pixels: {"done": np.asarray(done), "pixels": pixels})
    emit(Note("That was the last step."))
    return Image(pixels)

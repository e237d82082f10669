"""Viewable pictures: every image and mask as a PNG in the store, written once and copied into each run's folder."""

from pathlib import Path

from stylepipe.artifacts import Image, Mask, StageInput
from stylepipe.engine.cache.store import Session
from stylepipe.image.files.io import write_image, write_mask

COMPRESS_LEVEL = 1
"""zlib's level: level 6 takes six times as long and saves 15 %."""


def attach_picture(artifact: StageInput, session: Session) -> dict[str, str]:
    """Stores the picture of an artifact, if it has one; returns the attachments of its action. Raises StoreError."""

    def write(path: Path) -> None:
        match artifact:
            case Image():
                write_image(artifact, path, compress_level=COMPRESS_LEVEL)
            case Mask():
                write_mask(artifact, path, compress_level=COMPRESS_LEVEL)

    return {"picture": session.attach(write, ".png")} if isinstance(artifact, Image | Mask) else {}

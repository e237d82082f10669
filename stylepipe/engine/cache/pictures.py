"""What people look at: every image and mask as a PNG in the store, made once, copied into each run's folder."""

from pathlib import Path

from stylepipe.artifacts import Given, Image, Mask
from stylepipe.engine.cache.store import Session
from stylepipe.image.files.io import write_image, write_mask

COMPRESS_LEVEL = 1
"""zlib's level: level 6 takes six times as long and saves 15 %."""


def attach_picture(artifact: Given, session: Session) -> dict[str, str]:
    """Stores the picture of an artifact, if it has one; the attachments of its action. Raises StoreError."""

    def write(path: Path) -> None:
        match artifact:
            case Image():
                write_image(artifact, path, compress_level=COMPRESS_LEVEL)
            case Mask():
                write_mask(artifact, path, compress_level=COMPRESS_LEVEL)

    return {"picture": session.attach(write, ".png")} if isinstance(artifact, Image | Mask) else {}

"""A provenance, and a recipe to go with it."""

import pytest

from stylepipe.engine.runs.records import InputRecord
from stylepipe.sharing.provenance import Provenance

RECIPE = """\
stylepipe: 1
name: look
params: {photo: photo.png}
inputs: {photo: {image: $params.photo}}
stages: {sharp: {use: sharpen, image: $photo}}
output: $sharp
"""


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(
        name="look",
        recipe=RECIPE,
        inputs={"photo": InputRecord(kind="image", reference="photo.png", sha256="ab" * 32)},
        environment={"stylepipe": "0.1", "threads": 2},
        outputs={"sharp": "cd" * 32},
    )

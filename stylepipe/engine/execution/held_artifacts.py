"""The in-memory artifacts of a run: the most recently used ones, up to a number of bytes; others are read again."""

from collections import OrderedDict
from collections.abc import Container

from stylepipe.artifacts import Folder, Image, Mask, StageInput, Weights

MAX_BYTES = 256_000_000
"""21 megapixels in RGB: enough for whole pipelines of small pictures, and little compared with a stage on a large one."""


class HeldArtifacts:
    """Artifacts by the names of inputs and stages. One larger than `max_bytes` is not kept."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[str, StageInput] = OrderedDict()

    def get(self, name: str) -> StageInput | None:
        """Returns the artifact of that name, if it is in memory."""
        if name in self._values:
            self._values.move_to_end(name)
        return self._values.get(name)

    def put(self, name: str, value: StageInput) -> None:
        """Adds an artifact; drops the least recently used ones to make room."""
        self._values[name] = value
        self._values.move_to_end(name)
        while sum(map(size_of, self._values.values())) > self._max_bytes:
            self._values.popitem(last=False)

    def keep(self, names: Container[str]) -> None:
        """Drops all artifacts except those of these names."""
        for name in [name for name in self._values if name not in names]:
            del self._values[name]


def size_of(artifact: StageInput) -> int:
    """Returns the size of an artifact in bytes; 0 for a folder, whose pictures are read on demand."""
    match artifact:
        case Image(pixels, alpha):
            return pixels.nbytes + (0 if alpha is None else alpha.nbytes)
        case Mask(values):
            return values.nbytes
        case Weights(tensors):
            return sum(tensor.nbytes for tensor in tensors.values())
        case Folder():
            return 0

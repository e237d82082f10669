"""The artifacts that a run holds in memory: what was used last, up to a number of bytes; the rest is read again when needed."""

from collections import OrderedDict
from collections.abc import Container

from stylepipe.artifacts import Folder, Given, Image, Mask, Weights

MAX_BYTES = 256_000_000
"""21 megapixels in RGB: enough for whole pipelines of small pictures, and little beside what a stage takes for a large one."""


class Values:
    """Artifacts by the names of inputs and stages. One that is larger than `max_bytes` is not kept."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[str, Given] = OrderedDict()

    def get(self, name: str) -> Given | None:
        """The artifact of that name, if it is held."""
        if name in self._values:
            self._values.move_to_end(name)
        return self._values.get(name)

    def put(self, name: str, value: Given) -> None:
        """Holds an artifact; those used longest ago are dropped for it."""
        self._values[name] = value
        self._values.move_to_end(name)
        while sum(map(size_of, self._values.values())) > self._max_bytes:
            self._values.popitem(last=False)

    def keep(self, names: Container[str]) -> None:
        """Drops all artifacts but those of these names."""
        for name in [name for name in self._values if name not in names]:
            del self._values[name]


def size_of(artifact: Given) -> int:
    """The bytes that an artifact takes; pictures of a folder are read when they are needed."""
    match artifact:
        case Image(pixels, alpha):
            return pixels.nbytes + (0 if alpha is None else alpha.nbytes)
        case Mask(values):
            return values.nbytes
        case Weights(tensors):
            return sum(tensor.nbytes for tensor in tensors.values())
        case Folder():
            return 0

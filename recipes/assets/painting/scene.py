"""A scene: named parts, joined into one mesh that remembers which triangle belongs to which."""

from dataclasses import dataclass

import numpy as np

from .mesh import Array, Mesh, join

SKY = -1
"""The part of pixels that see no triangle."""


@dataclass(frozen=True)
class Scene:
    """Triangles, the part that each belongs to, an index into `names` (m,), and the parts' names."""

    mesh: Mesh
    part: Array
    names: tuple[str, ...]

    @classmethod
    def of(cls, parts: dict[str, Mesh]) -> "Scene":
        """The scene of parts by name."""
        part = np.repeat(np.arange(len(parts), dtype=np.int32), [len(mesh) for mesh in parts.values()])
        return cls(join(list(parts.values())), part, tuple(parts))

    def number(self, name: str) -> int:
        """The index of a part."""
        return self.names.index(name)

    def without(self, *names: str) -> "Scene":
        """The scene with some parts left out; the others keep their numbers."""
        keep = ~np.isin(self.part, [self.number(name) for name in names])
        return Scene(self.mesh.where(keep), self.part[keep], self.names)

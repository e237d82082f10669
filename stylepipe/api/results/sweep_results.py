"""Sweeps: their variants and contact sheets."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow

from stylepipe.api.results.notebook import division, figure
from stylepipe.api.results.run_results import opened_picture
from stylepipe.engine.sweeps.results import SweepResults, VariantResult
from stylepipe.errors import UsageError, did_you_mean


@dataclass(frozen=True, repr=False)
class FinishedSweep:
    """A finished sweep: `path` is its folder, `results` what its results.json holds, `sheets` are its contact sheets.

    `sweep["size=256"]` is a variant: its values, measures and status. In a notebook it shows its contact sheets.
    """

    path: Path
    results: SweepResults

    @property
    def sheets(self) -> tuple[Path, ...]:
        """The contact sheets."""
        return tuple(self.path / sheet for sheet in self.results.sheets)

    def __getitem__(self, variant: str) -> VariantResult:
        """Returns a variant. Raises KeyError."""
        named = {each.name: each for each in self.results.variants}
        if variant not in named:
            raise KeyError(f"The sweep has no variant '{variant}'. {did_you_mean(variant, list(named)) or ''}".strip())
        return named[variant]

    def image(self, variant: str) -> Pillow.Image:
        """The picture of the only output of a variant. Raises KeyError, and UsageError where there is none, or several."""
        outputs = self[variant].outputs
        if len(outputs) != 1:
            raise UsageError(f"The variant '{variant}' has {len(outputs)} results.", hint="They are in the sweep's folder.")
        return opened_picture(self.path / next(iter(outputs.values())).file, f"The variant '{variant}'")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.path}': {len(self.results.variants)} variants>"

    def _repr_html_(self) -> str:
        return division(*(figure(sheet.name, sheet) for sheet in self.sheets), caption=str(self.path))

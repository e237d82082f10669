"""What runs return: their pictures, losses, times and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from stylepipe.api.commands.notebook import division, figure, loss_figure
from stylepipe.engine.runs.records import RunRecord, StageRecord
from stylepipe.engine.sweeps.results import SweepResults, VariantResult
from stylepipe.errors import UsageError, did_you_mean
from stylepipe.report.history import read_history


@dataclass(frozen=True)
class StageResult:
    """The result of a stage in a run: its `record`, its picture's `path`, and its losses."""

    name: str
    record: StageRecord
    path: Path | None
    losses: Mapping[str, np.ndarray]
    """By term, and for their sum `loss`: the value after each iteration, as arrays of float64; NaN where there is none."""

    @property
    def image(self) -> Pillow.Image:
        """The picture as a PIL image. Raises UsageError for a stage that returns weights."""
        return _opened(self.path, f"The stage '{self.name}'")

    @property
    def seconds(self) -> float:
        """How long the computation took, now or when it was cached."""
        return self.record.seconds

    @property
    def cached(self) -> bool:
        """Whether the result was cached."""
        return self.record.cached


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: `path` is its folder, `record` what its record.json holds, `files` are its results by output.

    `written` are the files of `output`. The result of a stage is `result["stylized@256"]`. In a notebook it shows its pictures,
    and the losses of the last stage that has some.
    """

    path: Path
    record: RunRecord
    files: Mapping[str, Path]
    written: Mapping[str, Path] = field(default_factory=dict)

    @property
    def image(self) -> Pillow.Image:
        """The picture of the only output. Raises UsageError for several outputs, and for weights."""
        if len(self.files) != 1:
            raise UsageError(f"The run has {len(self.files)} results: {', '.join(self.files)}.", hint="Take one from 'images'.")
        [(name, path)] = self.files.items()
        return _opened(path, f"The output '{name}'")

    @property
    def images(self) -> dict[str, Pillow.Image]:
        """The pictures of all outputs by name, without weights."""
        return {name: _opened(path, name) for name, path in self.files.items() if path.suffix == ".png"}

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return self.record.seconds

    @property
    def cached(self) -> bool:
        """Whether all stages were cached."""
        return all(stage.cached for stage in self.record.stages.values())

    def __getitem__(self, stage: str) -> StageResult:
        """Returns the result of a stage. Raises KeyError."""
        if stage not in self.record.stages:
            raise KeyError(f"The run has no stage '{stage}'. {did_you_mean(stage, list(self.record.stages)) or ''}".strip())
        record = self.record.stages[stage]
        lines = self._lines.get(stage, [])
        names = dict.fromkeys(["loss", *(term for line in lines for term in line["terms"])]) if lines else {}
        values = {name: [line["loss"] if name == "loss" else line["terms"].get(name) for line in lines] for name in names}
        losses = {name: np.array(value, np.float64) for name, value in values.items()}
        return StageResult(stage, record, self.path / record.file if record.file else None, losses)

    @cached_property
    def _lines(self) -> Mapping[str, list[Mapping[str, Any]]]:
        return {name: list(stage.lines) for name, stage in read_history(self.path).stages.items()}

    def _repr_html_(self) -> str:
        pictures = [figure(name, path) for name, path in self.files.items() if path.suffix == ".png"]
        losses = [drawn for name, lines in self._lines.items() if (drawn := loss_figure(name, lines))]
        return division(*pictures, *losses[-1:], caption=f"{self.record.id}, {self.seconds:.1f} s, {self.path}")


@dataclass(frozen=True)
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
        return _opened(self.path / next(iter(outputs.values())).file, f"The variant '{variant}'")

    def _repr_html_(self) -> str:
        return division(*(figure(sheet.name, sheet) for sheet in self.sheets), caption=str(self.path))


def _opened(path: Path | None, owner: str) -> Pillow.Image:
    if path is None or path.suffix != ".png":
        raise UsageError(f"{owner} has no picture.", hint="Only stages that return images or masks have one.")
    with Pillow.open(path) as picture:
        picture.load()
        return picture

"""Runs: their pictures, losses, times and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from stylepipe.engine.runs.records import RunRecord, StageRecord
from stylepipe.errors import UsageError, did_you_mean


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
        return opened_picture(self.path, f"The stage '{self.name}'")

    @property
    def seconds(self) -> float:
        """How long the computation took, now or when it was cached."""
        return self.record.seconds

    @property
    def cached(self) -> bool:
        """Whether the result was cached."""
        return self.record.cached


@dataclass(frozen=True, repr=False)
class Run:
    """A run: `path` is its folder, `record` what its record.json holds, which says whether it has finished.

    `written` are the files of `output`. The result of a stage is `run["stylized@256"]`. In a notebook it shows its pictures,
    and the losses of the last stage that has some.
    """

    path: Path
    record: RunRecord
    written: Mapping[str, Path] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, Path]:
        """The files of its results by output."""
        return {name: self.path / output.file for name, output in self.record.outputs.items()}

    @property
    def image(self) -> Pillow.Image:
        """The picture of the only output. Raises UsageError for several outputs, and for weights."""
        if len(self.files) != 1:
            raise UsageError(f"The run has {len(self.files)} results: {', '.join(self.files)}.", hint="Take one from 'images'.")
        [(name, path)] = self.files.items()
        return opened_picture(path, f"The output '{name}'")

    @property
    def images(self) -> dict[str, Pillow.Image]:
        """The pictures of all outputs by name, without weights."""
        return {name: opened_picture(path, name) for name, path in self.files.items() if path.suffix == ".png"}

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
        from stylepipe.report.history import read_history

        return {name: list(stage.lines) for name, stage in read_history(self.path).stages.items()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.path}': {self.record.status}, {self.seconds:.1f} s>"

    def _repr_html_(self) -> str:
        from stylepipe.api.results.notebook import division, figure, loss_figure  # runs are listed without them

        pictures = [figure(name, path) for name, path in self.files.items() if path.suffix == ".png"]
        losses = [drawn for name, lines in self._lines.items() if (drawn := loss_figure(name, lines))]
        return division(*pictures, *losses[-1:], caption=f"{self.record.id}, {self.seconds:.1f} s, {self.path}")


def opened_picture(path: Path | None, owner: str) -> Pillow.Image:
    """Returns the picture in a PNG file of its `owner`. Raises UsageError for another file."""
    if path is None or path.suffix != ".png":
        raise UsageError(f"{owner} has no picture.", hint="Only stages that return images or masks have one.")
    with Pillow.open(path) as picture:
        picture.load()
        return picture

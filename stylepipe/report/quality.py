"""Quality of a run's results: compares each with its content and styles, and caches the measures in the store."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from stylepipe.engine.cache.compiled_programs import compiled_programs
from stylepipe.engine.cache.keys import PRECISION, code_document, key_of
from stylepipe.engine.cache.store import Action, Damaged, Session, Store
from stylepipe.engine.runs.records import RunRecord, StageRecord, names_of
from stylepipe.engine.sweeps.results import Measure, Measured
from stylepipe.errors import InputError, StageError, StylepipeError
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.evaluation.measures import (
    GLOBAL,
    MeasuredPicture,
    MeasuredStyles,
    measured_styles,
    quality,
    unseen_layers,
)
from stylepipe.neural.weights.catalog import find, read_weights

NETWORK = "vgg19-slim"
MODULE = "stylepipe.neural.evaluation.measured_pictures"
DIGITS = 4
CACHED_PICTURES = 8
NOT_MEASURABLE = "The quality of the results is not measured: their losses use every layer that could measure it."


@dataclass(frozen=True)
class RecordedPicture:
    """A picture in a run's folder, and its digest."""

    digest: str
    file: str


@dataclass(frozen=True)
class ResultComparison:
    """A result, and the content (if any) and styles to compare it with."""

    result: RecordedPicture
    content: RecordedPicture | None
    styles: tuple[RecordedPicture, ...]


def measuring(store: Store) -> Measure:
    """Returns a function that measures the results of style transfer; each comparison is cached in the store.

    The content and the styles of a result are the inputs named so of the nearest stage upstream that has them. The
    network is always the one that ships with stylepipe, at layers that no loss of the run uses.
    """

    def measure(record: RunRecord, folder: Path) -> Measured:
        compared = {name: pair for name in record.outputs if (pair := comparison(record, name))}
        if not compared:
            return Measured()
        try:
            with store.session() as session:
                judge = _Judge(folder, session, record)
                return _measured(compared, judge) if judge.layers else Measured(notes=(NOT_MEASURABLE,))
        except StylepipeError as error:  # the run itself has its results
            return Measured(notes=(f"The quality of the results is not measured. {error.message}",))

    return measure


def comparison(record: RunRecord, output: str) -> ResultComparison | None:
    """Returns an output's comparison; None where no stage upstream takes styles, or the output is not a picture."""
    result = record.outputs[output]
    stage = next((stage for stage in _upwards(record, result.stage) if stage.inputs.get("styles")), None)
    if stage is None or not result.file.endswith(".png"):
        return None
    content = stage.inputs.get("content")
    styles = [_picture(record, name) for name in names_of(stage.inputs["styles"])]
    return ResultComparison(
        RecordedPicture(result.digest, result.file),
        _picture(record, content) if isinstance(content, str) else None,
        tuple(styles),
    )


def seen_layers(record: RunRecord) -> list[str]:
    """Returns the layers that losses of the run use; `all` where one of them uses every layer."""
    seen: set[str] = set()
    for stage in record.stages.values():
        losses = stage.params.get("losses") if stage.inputs.get("styles") else ()
        for loss in losses if isinstance(losses, list | tuple) else ():
            match loss:
                case {"layers": str(every)}:
                    seen.add(every)
                case {"layers": Mapping() as table}:
                    seen.update(table)
    return sorted(seen)


def _upwards(record: RunRecord, name: str) -> Sequence[StageRecord]:
    """Returns a stage and those upstream of it, nearest first."""
    names = [name]
    for each in names:
        bound = record.stages[each].inputs.values() if each in record.stages else ()
        names += [before for one in bound for before in names_of(one) if before not in names]
    return [record.stages[each] for each in names if each in record.stages]


def _picture(record: RunRecord, name: str) -> RecordedPicture:
    """Returns the picture of an input or of a stage's result."""
    if name in record.inputs:
        return RecordedPicture(record.inputs[name].sha256, record.inputs[name].file or "")
    return RecordedPicture(record.stages[name].output, record.stages[name].file or "")


def _measured(compared: Mapping[str, ResultComparison], judge: "_Judge") -> Measured:
    values: dict[str, Mapping[str, float]] = {}
    notes: dict[str, None] = {}
    for name, pair in compared.items():
        try:
            values[name] = judge.measured(pair)
        except (StageError, InputError) as error:  # the picture is too narrow or too large
            notes[error.message] = None
    return Measured({name: _description(name, layers) for name, layers in judge.layers.items()}, values, tuple(notes))


def _description(measure: str, layers: Sequence[str]) -> str:
    """Returns the description of a measure."""
    return ", ".join([*layers, *(["RGB histograms"] if measure == GLOBAL else [])])


class _Judge:
    """Compares the pictures of one run; `layers` are those of each measure.

    Features of contents and styles that results share are computed once, while they are few.
    """

    def __init__(self, folder: Path, session: Session, record: RunRecord) -> None:
        self._folder = folder
        self._session = session
        self._recipe = record.recipe
        path = find(NETWORK)
        self._digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self._network = read_weights(path)
        available = describe(self._network).layers
        seen = seen_layers(record)
        self.layers = unseen_layers(available if "all" in seen else seen, available)
        self._content = lru_cache(CACHED_PICTURES)(self._view)
        self._examples = lru_cache(CACHED_PICTURES)(self._prepared)

    def measured(self, pair: ResultComparison) -> Mapping[str, float]:
        """Returns the measures by name, cached if possible. Raises StageError for a picture that cannot be measured."""
        inputs = {
            "result": pair.result.digest,
            "content": pair.content and pair.content.digest,
            "styles": [style.digest for style in pair.styles],
            "network": self._digest,
        }
        document = {"stage": "quality", **code_document(MODULE), "inputs": inputs, "params": {"layers": self.layers}}
        key = key_of(document)
        try:
            if action := self._session.use(key):
                return json.loads(self._session.store.read(action.attachments["quality"]))
        except Damaged:
            pass  # it was moved aside; measure again
        with compiled_programs(self._session.store.root, PRECISION):
            values = self._compared(pair)
        kept = {"quality": self._session.attach(partial(_write, values), ".json")}
        self._session.commit(Action(key=key, document=document, attachments=kept, recipe=self._recipe, node="quality"))
        return values

    def _compared(self, pair: ResultComparison) -> Mapping[str, float]:
        from stylepipe.image.files.io import outline_image
        from stylepipe.neural.evaluation.measured_pictures import working_size

        size = working_size(outline_image(self._folder / pair.result.file).size)
        content = self._content(pair.content, size) if pair.content else None
        values = quality(self._view(pair.result, size), content=content, styles=self._examples(pair.styles), layers=self.layers)
        return {name: round(value, DIGITS) for name, value in values.items()}

    def _prepared(self, styles: tuple[RecordedPicture, ...]) -> MeasuredStyles:
        return measured_styles([self._view(style) for style in styles], self.layers)

    def _view(self, picture: RecordedPicture, size: tuple[int, int] | None = None) -> MeasuredPicture:
        """Returns the features of a picture at this working size, or at its own."""
        from stylepipe.image.files.io import read_image
        from stylepipe.neural.evaluation.measured_pictures import measured_picture, working_size

        image = read_image(self._folder / picture.file)
        return measured_picture(image, size or working_size(image.size), self._network, self.layers)


def _write(values: Mapping[str, float], path: Path) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")

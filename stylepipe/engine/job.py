"""A job: the recipe, the selected part of it, and its inputs, located and hashed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stylepipe.engine.cache.keys import Document, differences, input_document, stage_document
from stylepipe.engine.cache.store import Action, Store
from stylepipe.engine.graph import Selection, select, stages_named
from stylepipe.engine.inputs import InputSource, WeightsSource, find_input, reader_module
from stylepipe.errors import StageError, UsageError
from stylepipe.hardware.devices import backend
from stylepipe.recipe.resolved import InputFile, ResolvedRecipe

FindInput = Callable[[InputFile, WeightsSource], InputSource]


@dataclass(frozen=True)
class Job:
    """A recipe that is ready to be planned or run; `prepare` creates it.

    In the merged graph of several variants, a stage may have its own seed and another name in the recipe. `device` is the class
    of the devices that compute it (cpu, gpu, tpu), if not this machine's.
    """

    recipe: ResolvedRecipe
    selection: Selection
    forced: frozenset[str]
    inputs: Mapping[str, InputSource]
    weights: WeightsSource
    seeds: Mapping[str, int] = field(default_factory=dict)
    own_names: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None

    def seed(self, name: str) -> int:
        """Returns the seed of a stage's random numbers."""
        return self.seeds.get(name, self.recipe.seed)

    def input_digests(self) -> dict[str, str]:
        """Returns the digests of all inputs; the caller adds those of the stages."""
        return {name: source.digest for name, source in self.inputs.items()}

    def input_document(self, name: str) -> Document:
        """Returns everything that an input's picture depends on."""
        source = self.inputs[name]
        return input_document(source.digest, reader_module(source.file.kind, self.weights))

    def stage_document(self, name: str, digests: Mapping[str, str]) -> Document:
        """Returns everything that a stage's result depends on; `digests` may lack stages that have not run."""
        readers = {name: reader_module(source.file.kind, self.weights) for name, source in self.inputs.items()}
        node = self.recipe.stages[name]
        return stage_document(node, digests, readers=readers, seed=self.seed(name), backend=self.device or backend())

    def of_stage(self, name: str) -> "Job":
        """Returns the job of one stage for a worker: independent of the current folder and of this machine's device."""
        node = self.recipe.stages[name]
        sources = {needed: self.inputs[needed] for needed in node.needs if needed in self.inputs}
        inputs = {
            needed: replace(source, file=replace(source.file, root=source.file.root.absolute()))
            for needed, source in sources.items()
        }
        files = {needed: source.file for needed, source in inputs.items()}
        recipe = replace(self.recipe, stages={name: node}, inputs=files, outputs={}, params={}, text="", document={})
        selection = Selection(tuple(inputs), (name,), frozenset({name}))
        return Job(recipe, selection, self.forced.intersection({name}), inputs, self.weights, {name: self.seed(name)})

    def reasons(self, name: str, document: Document, store: Store, *, waits_for: Sequence[str] = ()) -> tuple[str, ...]:
        """Returns why a stage must be computed: its result is not cached, or its computation is forced.

        `waits_for` names the stages that must be computed before its key is known.
        """
        if name in self.forced:
            return ("it was forced",)
        first = tuple(f"'{needed}' is computed first" for needed in waits_for)
        recent = self.recent(name, store)
        if not recent:
            return first or ("it has not run before",)
        # Compared with the nearest earlier run; where stages are computed first, its inputs are not known yet.
        skipped: Document = {"inputs": {}} if first else {}
        changes = [differences({**earlier.document, **skipped}, {**document, **skipped}) for earlier in recent]
        return first + min(changes, key=len) if first else min(changes, key=len) or ("its result is no longer in the cache",)

    def recent(self, name: str, store: Store) -> list[Action]:
        """Returns the recent actions of a stage of this recipe, in sweeps and in runs of the recipe alone."""
        names = dict.fromkeys((name, self.own_names.get(name, name)))
        return [action for each in names for action in store.recent(self.recipe.name, each)]

    def check_device(self, name: str) -> None:
        """Raises StageError when this machine's device differs from the one in the keys."""
        if self.device not in (None, backend()):
            message = f"Stage '{name}' needs a {self.device}, but fell back to this machine, which has a {backend()}."
            raise StageError(message, hint="Run the same command again: the cluster computes what is missing.")

    def not_cached(self, name: str) -> UsageError:
        """Returns the error for an uncached stage before the selected ones."""
        return UsageError(
            f"The stage '{name}' comes before the first one to run, and its result is not in the cache.",
            hint="Run without --from.",
        )


def prepare(
    recipe: ResolvedRecipe,
    *,
    weights: WeightsSource,
    force: bool | Collection[str] = (),
    start: str | None = None,
    until: str | None = None,
    find: FindInput = find_input,
) -> Job:
    """Selects the stages and locates the inputs.

    `start` and `until` select as in `graph.select`; `force` names stages to compute although they are cached, or is True for
    all selected ones; `find` locates an input. Raises UsageError for names that are not stages, InputError or WeightsError for
    missing inputs.
    """
    selection = select(recipe, start=start, until=until)
    named = recipe.stages if force is True else [node for name in force or () for node in stages_named(recipe, name)]
    inputs = {name: find(recipe.inputs[name], weights) for name in selection.inputs}
    return Job(recipe, selection, selection.runs.intersection(named), inputs, weights)

"""What a run is about: the recipe, the part of it that is selected, and its inputs, found and digested."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stylepipe.engine.cache.keys import Document, differences, input_document, stage_document
from stylepipe.engine.cache.store import Action, Store
from stylepipe.engine.environment import backend
from stylepipe.engine.graph import Selection, select, stages_named
from stylepipe.engine.inputs import FoundInput, WeightsSource, find_input, reader_module
from stylepipe.errors import StageError, UsageError
from stylepipe.recipe.resolved import InputFile, ResolvedRecipe

FindInput = Callable[[InputFile, WeightsSource], FoundInput]


@dataclass(frozen=True)
class Job:
    """A recipe that is ready to be planned or run; `prepare` makes it.

    Where it is the graph of several variants, a stage may have a seed of its own, and a name in the recipe other than here.
    `device` is the class of the devices that compute it (cpu, gpu, tpu), where that need not be this machine's.
    """

    recipe: ResolvedRecipe
    selection: Selection
    forced: frozenset[str]
    inputs: Mapping[str, FoundInput]
    weights: WeightsSource
    seeds: Mapping[str, int] = field(default_factory=dict)
    own_names: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None

    def seed(self, name: str) -> int:
        """What a stage's random numbers are drawn from."""
        return self.seeds.get(name, self.recipe.seed)

    def input_digests(self) -> dict[str, str]:
        """The digests of all inputs, to which those of the stages are added as they become known."""
        return {name: found.digest for name, found in self.inputs.items()}

    def input_document(self, name: str) -> Document:
        """All that an input's picture depends on."""
        found = self.inputs[name]
        return input_document(found.digest, reader_module(found.file.kind, self.weights))

    def stage_document(self, name: str, digests: Mapping[str, str]) -> Document:
        """All that a stage's result depends on, as far as `digests` are known."""
        readers = {name: reader_module(found.file.kind, self.weights) for name, found in self.inputs.items()}
        node = self.recipe.stages[name]
        return stage_document(node, digests, readers=readers, seed=self.seed(name), backend=self.device or backend())

    def of_stage(self, name: str) -> "Job":
        """As much of the job as concerns one stage, for whoever computes it: from any folder, by the device that is there."""
        node = self.recipe.stages[name]
        found = {needed: self.inputs[needed] for needed in node.needs if needed in self.inputs}
        inputs = {
            needed: replace(each, file=replace(each.file, root=each.file.root.absolute())) for needed, each in found.items()
        }
        files = {needed: each.file for needed, each in inputs.items()}
        recipe = replace(self.recipe, stages={name: node}, inputs=files, outputs={}, params={}, text="", document={})
        selection = Selection(tuple(inputs), (name,), frozenset({name}))
        return Job(recipe, selection, self.forced.intersection({name}), inputs, self.weights, {name: self.seed(name)})

    def reasons(self, name: str, document: Document, store: Store, *, waits_for: Sequence[str] = ()) -> tuple[str, ...]:
        """Why a stage must be computed, whose result is not in the cache, or is not to be taken from there.

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
        """What a stage of this recipe used or computed lately, in a sweep's run and in those of the recipe alone."""
        names = dict.fromkeys((name, self.own_names.get(name, name)))
        return [action for each in names for action in store.recent(self.recipe.name, each)]

    def check_device(self, name: str) -> None:
        """Raises StageError when this machine is not to compute the stage, since its device is another than the keys say."""
        if self.device not in (None, backend()):
            message = (
                f"Stage '{name}' is to be computed on a {self.device}, and was left to this machine, which has a {backend()}."
            )
            raise StageError(message, hint="Run the same command again: the cluster computes what is missing.")

    def not_cached(self, name: str) -> UsageError:
        """The error for a stage that comes before the selected ones and is not in the cache."""
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
    """Selects the stages and finds the inputs.

    `start` and `until` select as in `graph.select`; `force` names stages to compute although they are cached, or is True for
    all that are selected; `find` finds an input, with an index or without. Raises UsageError for names that are no stages,
    InputError or WeightsError for missing inputs.
    """
    selection = select(recipe, start=start, until=until)
    named = recipe.stages if force is True else [node for name in force or () for node in stages_named(recipe, name)]
    inputs = {name: find(recipe.inputs[name], weights) for name in selection.inputs}
    return Job(recipe, selection, selection.runs.intersection(named), inputs, weights)

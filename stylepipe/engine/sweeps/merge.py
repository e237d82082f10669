"""Merges the variants of a sweep into one graph, in which shared stages appear once."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.graph import Selection
from stylepipe.engine.inputs import InputSource, WeightsSource, find_input
from stylepipe.engine.job import FindInput, Job, prepare
from stylepipe.formatting import counted
from stylepipe.recipe.load_variants import ResolvedSweep
from stylepipe.recipe.params.labels import axis_labels
from stylepipe.recipe.resolved import ResolvedRecipe, StageNode

MAX_LABEL = 40

_NOT_IN_LABELS = re.compile(r"[^A-Za-z0-9_.+-]+")


@dataclass(frozen=True)
class MergedVariant:
    """A variant, and the names of its stages and outputs in the merged graph; `values` are those of the axes."""

    name: str
    values: Mapping[str, Any]
    stages: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class SweepJob:
    """A sweep that is ready to be planned or run: the job that computes all variants, and each variant's part in it."""

    job: Job
    axes: Mapping[str, Sequence[Any]]
    variants: tuple[MergedVariant, ...]

    @property
    def summary(self) -> str:
        """The number of variants, of their stages, and of distinct stages, as text."""
        stages = sum(len(variant.stages) for variant in self.variants)
        distinct = len(self.job.selection.stages)
        return f"{counted(len(self.variants), 'variant')} of {counted(stages, 'stage')}, {distinct} distinct"


def prepare_sweep(
    sweep: ResolvedSweep, *, weights: WeightsSource, force: bool | Collection[str] = (), find: FindInput = find_input
) -> SweepJob:
    """Locates the inputs of all variants, and merges their graphs.

    Two stages are merged when they have the same name in the recipe and would have the same key: each is identified by its
    document, with the identities of its inputs in place of digests, which are not known yet. `force` and `find` are as in
    `prepare`, which also defines the errors raised.
    """
    find = cache(find)  # each file is read once, however many variants use it
    jobs = [prepare(variant.recipe, weights=weights, force=force, find=find) for variant in sweep.variants]
    identities = [_identities(job) for job in jobs]
    names = _names(sweep, identities)
    inputs: dict[str, InputSource] = {}
    stages: dict[str, StageNode] = {}
    seeds: dict[str, int] = {}
    own_names: dict[str, str] = {}
    forced: set[str] = set()
    outputs: dict[str, str] = {}
    variants: list[MergedVariant] = []
    for variant, job, identity_of in zip(sweep.variants, jobs, identities, strict=True):
        new_names = {name: names[name, identity] for name, identity in identity_of.items()}
        for name in job.selection.inputs:
            source = job.inputs[name]
            inputs.setdefault(new_names[name], replace(source, file=replace(source.file, name=new_names[name])))
        for name in job.selection.stages:
            stages.setdefault(new_names[name], _renamed(job.recipe.stages[name], new_names))
            seeds[new_names[name]] = job.recipe.seed
            own_names[new_names[name]] = name
        forced.update(new_names[name] for name in job.forced)
        own = variant.recipe.outputs
        output_names = {output: variant.name if len(own) == 1 else f"{variant.name}.{output}" for output in own}
        outputs |= {output_names[output]: new_names[node] for output, node in own.items()}
        variants.append(
            MergedVariant(
                variant.name,
                {axis: variant.recipe.params[axis] for axis in sweep.axes},
                {name: new_names[name] for name in job.selection.stages},
                output_names,
            )
        )
    recipe = ResolvedRecipe(
        name=sweep.base.name,
        description=sweep.base.description,
        seed=sweep.base.seed,
        params={**sweep.base.params, **sweep.axes},
        inputs={name: source.file for name, source in inputs.items()},
        stages=stages,
        outputs=outputs,
        warnings=sweep.base.warnings,
        text=sweep.base.text,
        document=sweep.document,
    )
    selection = Selection(tuple(inputs), tuple(stages), frozenset(stages))
    return SweepJob(Job(recipe, selection, frozenset(forced), inputs, weights, seeds, own_names), sweep.axes, tuple(variants))


def _identities(job: Job) -> dict[str, str]:
    """Returns the identity of each input and stage, as it is before anything runs.

    Two inputs with the same content but different references are both kept, so that the record holds, and redaction sees, all
    references.
    """
    identities = job.input_digests()
    for name in job.selection.stages:
        identities[name] = key_of(job.stage_document(name, identities))
    return identities | {name: f"{source.digest} {source.file.reference}" for name, source in job.inputs.items()}


def _names(sweep: ResolvedSweep, identities: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], str]:
    """Returns the names of inputs and stages in the merged graph, by their names in the recipe and their identities.

    A name is the recipe's own where all variants agree. Otherwise the values after it, as in a `foreach`, name the variants:
    sharpened@0.5, stylized@384_10.
    """
    users: dict[str, dict[str, list[int]]] = {}
    for number, identity_of in enumerate(identities):
        for name, identity in identity_of.items():
            users.setdefault(name, {}).setdefault(identity, []).append(number)
    names: dict[tuple[str, str], str] = {}
    taken = {name for name, by_identity in users.items() if len(by_identity) == 1}
    for name, by_identity in users.items():
        for identity, numbers in by_identity.items():
            unique = name
            if len(by_identity) > 1:
                unique += ("_" if "@" in name else "@") + _label(sweep, numbers)
                while unique in taken:
                    unique += "+"
                taken.add(unique)
            names[name, identity] = unique
    return names


def _label(sweep: ResolvedSweep, numbers: Sequence[int]) -> str:
    """Returns the values that these variants share, of parameters that vary; else the number of the first variant."""
    params = [sweep.variants[number].recipe.params for number in numbers]
    common = [
        axis_labels(values)[values.index(params[0][axis])]
        for axis, values in sweep.axes.items()
        if len(values) > 1 and all(each[axis] == params[0][axis] for each in params)
    ]
    label = _NOT_IN_LABELS.sub("-", "_".join(common))
    return label if 0 < len(label) <= MAX_LABEL else str(numbers[0] + 1)


def _renamed(node: StageNode, new_names: Mapping[str, str]) -> StageNode:
    return replace(node, name=new_names[node.name], inputs=node.bind(new_names.__getitem__))

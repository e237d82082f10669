"""Lists what recipes are made of: the functions behind `stylepipe stages`, `losses` and `schema`."""

from collections.abc import Callable, Mapping
from typing import Any

from stylepipe.api.extensions import extension_problems
from stylepipe.errors import UsageError, did_you_mean
from stylepipe.neural.losses.loss import Loss
from stylepipe.neural.losses.loss_kinds import loss_kinds
from stylepipe.plugins import find_stage, stage_modules, usable_stages
from stylepipe.stage import Stage


def stages(name: str | None = None, /, *, note: Callable[[str], None] = lambda text: None) -> Mapping[str, Stage]:
    """Returns the stages that recipes may use by name: their summaries, inputs and models of parameters.

    With a `name`, only that one, and no other is imported. `note` receives the problems of extensions that cannot be used.
    Raises UsageError for an unknown name, and ExtensionError for a stage that cannot be used.
    """
    if name is None:
        _note_problems(note)
        return usable_stages()[0]
    names = sorted(stage_modules())
    if name not in names:
        raise UsageError(f"There is no stage '{name}'.", hint=did_you_mean(name, names))
    return {name: find_stage(name)}


def losses(kind: str | None = None, /, *, note: Callable[[str], None] = lambda text: None) -> Mapping[str, type[Loss]]:
    """Returns the losses that `stylize` can minimize by kind: the models of their parameters.

    With a `kind`, only that one. `note` receives the problems of losses that cannot be used. Raises UsageError for an unknown
    kind, and ExtensionError for a loss that cannot be used.
    """
    models, problems = loss_kinds().models, loss_kinds().problems
    if kind is None:
        for problem in problems.values():
            note(f"warning: {problem}")
        return models
    if kind in problems:
        raise problems[kind]
    if kind not in models:
        raise UsageError(f"There is no loss '{kind}'.", hint=did_you_mean(kind, sorted(models)))
    return {kind: models[kind]}


def schema(*, note: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Returns the JSON Schema of recipes, for editors. `note` receives the problems of extensions that cannot be used."""
    from stylepipe.recipe.schema import recipe_schema  # the lists do without the recipe language

    _note_problems(note)
    return recipe_schema()


def _note_problems(note: Callable[[str], None]) -> None:
    for problem in extension_problems():
        note(f"warning: {problem}")

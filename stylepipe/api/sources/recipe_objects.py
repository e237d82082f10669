"""Recipes as Python objects: loaded from files, or built in Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylepipe.api.sources.user_paths import recipe_path, user_path
from stylepipe.recipe.drawing import Drawing
from stylepipe.recipe.extends import RecipeDocument, read_recipe, recipe_document
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.model import VERSION
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.syntax.scalars import dump


class Recipe:
    """A recipe, as `run`, `plan` and `sweep` take it: `Recipe.load("look.yaml")`, or built from the same keys.

    Recipe(
        name="look",
        inputs={"photo": {"image": "photo.jpg"}},
        stages={"sharp": {"use": "sharpen", "image": "$photo", "amount": 1.0}},
        output="$sharp",
    )
    """

    def __init__(
        self,
        *,
        name: str,
        stages: Mapping[str, Mapping[str, Any]],
        inputs: Mapping[str, Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
        output: str | None = None,
        outputs: Mapping[str, str] | None = None,
        description: str = "",
        seed: int | str = 0,
        sweep: Mapping[str, Any] | None = None,
        folder: str | Path = ".",
    ) -> None:
        """Builds a recipe from the keys of the language; `folder` is where its paths start from.

        Raises RecipeError with all problems.
        """
        keys = {"description": description, "seed": seed, "params": params, "inputs": inputs, "stages": stages}
        keys |= {"output": output, "outputs": outputs, "sweep": sweep}
        blocks = {key: _plain(value) for key, value in keys.items() if value}
        text = dump({"stylepipe": VERSION, "name": name, **blocks})
        self.document = recipe_document(text, file=str(name), root=user_path(folder))
        self.check()

    @classmethod
    def load(cls, path: str | Path) -> "Recipe":
        """Returns the recipe in a file, or a shipped one by its name, merged with what it extends. Raises RecipeError."""
        recipe = cls.__new__(cls)
        recipe.document = read_recipe(recipe_path(path))
        recipe.check()
        return recipe

    document: RecipeDocument
    """The recipe's data, its text, and the folder that its paths start from."""

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.document.source.data["name"]

    @property
    def params(self) -> Mapping[str, Any]:
        """The recipe's params with their defaults."""
        return self.check().params

    def check(self) -> ResolvedRecipe:
        """Returns the recipe with every reference resolved and every value checked. Raises RecipeError with all problems."""
        return load_recipe(self.document)

    def to_yaml(self) -> str:
        """Returns the recipe's text: that of its file, or for one built in Python, YAML that means the same."""
        return self.document.text

    def graph(self) -> Drawing:
        """Returns a drawing of the graph of inputs and stages, as SVG or for Mermaid; notebooks show it."""
        return Drawing.of(self.check())


def document_of(recipe: str | Path | Recipe) -> RecipeDocument:
    """Returns the document of a recipe, of its file, or of a shipped one by its name. Raises as `read_recipe` does."""
    return recipe.document if isinstance(recipe, Recipe) else read_recipe(recipe_path(recipe))


def _plain(value: Any) -> Any:
    """Returns plain data, as YAML holds it."""
    match value:
        case Path():
            return str(value)
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value

"""The command `stages`."""

from typing import Annotated

import typer

from stylepipe.cli.console import Console
from stylepipe.cli.options import Json


def stages(
    name: Annotated[str | None, typer.Argument(help="One stage, described in full.", show_default=False)] = None,
    reference: Annotated[bool, typer.Option("--reference", help="Prints the whole reference, as Markdown.")] = False,
    json: Json = False,
) -> None:
    """Lists the stages that recipes may use."""
    from stylepipe.packs import find_stage, stage_modules
    from stylepipe.recipe.reference import describe_stage
    from stylepipe.recipe.reference import reference as whole_reference

    console = Console(as_json=json)
    if reference:
        console.result(whole_reference().rstrip("\n"), whole_reference())
    elif name:
        found = find_stage(name)
        console.result(describe_stage(found).rstrip("\n"), found.params.model_json_schema())
    else:
        rows = [
            {"stage": each, "does": find_stage(each).summary, "from": module}
            for each, module in sorted(stage_modules().items())
        ]
        console.table(rows, columns=("stage", "does"), empty="No stages are installed.")

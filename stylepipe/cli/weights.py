"""The commands `weights …`: what networks there are, and getting them here."""

from pathlib import Path
from typing import Annotated

import typer

from stylepipe.cli.console import Console
from stylepipe.cli.options import Json

app = typer.Typer(help="Network weights: list, pull, verify, convert, path.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Weights by name, as `weights list` has them.", show_default=False)]


@app.command("list")
def list_(json: Json = False) -> None:
    """Lists the weights that recipes may name, and where they lie."""
    from stylepipe.neural.weights import CATALOGUE, list_weights

    rows = [
        {"name": name, "what": CATALOGUE[name].summary, "file": str(path or "missing")} for name, path in list_weights().items()
    ]
    Console(as_json=json).table(rows, columns=("name", "what", "file"), empty="No weights are known.")


@app.command()
def pull(name: Name, offline: Annotated[bool, typer.Option("--offline", help="Forbids the network.")] = False) -> None:
    """Downloads published weights, checked, into the cache."""
    from stylepipe.cli.progress import download_bar
    from stylepipe.neural.weights import pull as pull_weights

    with download_bar(name) as progress:
        path = pull_weights(name, offline=offline, progress=progress)
    Console().result(str(path), str(path))


@app.command()
def verify(
    weights: Annotated[str, typer.Argument(help="Weights by name, or a file.", show_default=False)], json: Json = False
) -> None:
    """Reads weights, checks them, and says what network they are."""
    from stylepipe.neural.weights import verify as verify_weights

    vgg = verify_weights(weights)
    data = {"layers": list(vgg.layers), "pooling": vgg.pooling, "padding": vgg.padding}
    text = f"{weights} is sound: {vgg.layers[0]} … {vgg.layers[-1]}, {vgg.pooling} pooling, padding with {vgg.padding}."
    Console(as_json=json).result(text, data)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Keras HDF5, torchvision .pth or safetensors.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="The safetensors file to write.", show_default=False)],
) -> None:
    """Brings weights of another layout into stylepipe's own."""
    from stylepipe.neural.weights import convert as convert_weights

    convert_weights(source, target)
    Console().result(str(target), str(target))


@app.command()
def path(name: Name) -> None:
    """Prints the file that a name stands for."""
    from stylepipe.neural.weights import find

    Console().result(str(find(name)), str(find(name)))

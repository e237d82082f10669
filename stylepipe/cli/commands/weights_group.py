"""The commands `weights …`: list, download, verify and convert networks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stylepipe.api.sources.user_paths import user_path
from stylepipe.cache_folder import expand_home
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import Json
from stylepipe.escapes import visible_line

app = typer.Typer(help="Network weights: list, pull, verify, convert, path.", no_args_is_help=True)
WeightsName = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of weights, as `weights list` shows it.", show_default=False)
]


@app.command("list")
def list_(json: Json = False) -> None:
    """Lists the weights that recipes may name, their files, licenses and authors."""
    from stylepipe.api.weights import list as list_weights

    listed = list_weights()
    rows = [(each.name, each.summary, str(each.file or "missing")) for each in listed]
    terms = [(each.name, each.license, each.attribution) for each in listed]
    data = [vars(each) | {"file": each.file and str(each.file)} for each in listed]
    tables = [table(("name", "what", "file"), rows, empty=""), table(("name", "license", "attribution"), terms, empty="")]
    Console(as_json=json).result("\n\n".join(tables), data)


@app.command()
def pull(
    name: WeightsName,
    offline: Annotated[bool, typer.Option("--offline", help="Forbids the network.")] = False,
    json: Json = False,
) -> None:
    """Downloads published weights into the cache and verifies them."""
    from stylepipe.api.weights import pull as pull_weights

    _print_path(pull_weights(name, offline=offline), json=json)


@app.command()
def verify(
    weights: Annotated[
        str, typer.Argument(parser=expand_home, metavar="WEIGHTS", help="The name of weights, or a file.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Verifies a file of weights and describes its network."""
    from stylepipe.api.weights import verify as verify_weights
    from stylepipe.neural.encoders.vgg_layout import Vgg

    network: Any = verify_weights(weights)
    if hasattr(network, "_asdict"):  # a NamedTuple; else an encoder
        data, description = network._asdict(), f"{type(network).__name__.lower()}, {network}"
    else:
        data, description = {"layers": list(network.layers)}, f"{network.layers[0]} … {network.layers[-1]}"
        if isinstance(network, Vgg):
            data |= {"pooling": network.pooling, "padding": network.padding}
            description += f", {network.pooling} pooling, {network.padding} padding"
    Console(as_json=json).result(f"{weights} is sound: {description}.", data)


@app.command()
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            parser=user_path, metavar="SOURCE", help="Keras HDF5, torchvision .pth, .npz or safetensors.", show_default=False
        ),
    ],
    target: Annotated[
        Path, typer.Argument(parser=user_path, metavar="TARGET", help="The safetensors file to write.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Converts published weights to stylepipe's layout."""
    from stylepipe.api.weights import convert as convert_weights

    _print_path(convert_weights(source, target), json=json)


@app.command()
def path(name: WeightsName, json: Json = False) -> None:
    """Prints the path of named weights."""
    from stylepipe.api.weights import path as path_of_weights

    _print_path(path_of_weights(name), json=json)


def _print_path(file: Path, *, json: bool) -> None:
    Console(as_json=json).result(visible_line(str(file)), {"file": str(file)})

"""The style network that comes with stylepipe beside optimization: what each makes of some contents, how good, how fast.

    python benchmarks/style_network.py CONTENT…

For each content in the style of blue_swirls: one pass, one pass refined by thirty steps (both of
recipes/fast_then_refine.yaml), and recipes/gatys.yaml at 384 and 768 pixels. Prints the measures of StyleEval, taken of layers
that no loss has seen, and the seconds of the stages; the pictures are in the runs' folders.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from stylepipe.artifacts import Image
from stylepipe.image.files.io import read_image
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.evaluation.measured_pictures import measured_picture, working_size
from stylepipe.neural.evaluation.measures import measured_styles, quality, unseen_layers
from stylepipe.neural.weights.catalog import find, read_weights

RECIPES = Path(__file__).parents[1] / "recipes"
STYLE = RECIPES / "assets" / "blue_swirls.jpg"
SEEN = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1")


def run(recipe: str, content: str, *params: str) -> tuple[Path, dict]:
    """Runs a recipe; returns the run's folder and its record."""
    given = [f"-p{each}" for each in (f"content={content}", f"style={STYLE}", *params)]
    command = [Path(sys.executable).with_name("stylepipe"), "run", RECIPES / recipe, *given, "--json"]
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return Path(said["folder"]), said["record"]


def results(content: str) -> Iterator[tuple[str, Path, float]]:
    """What is compared: a name, the picture, and the seconds that it took."""
    folder, record = run("fast_then_refine.yaml", content)
    stages = record["stages"]
    fast = stages["styled"]["seconds"]
    yield "one pass", folder / stages["styled"]["file"], fast
    yield "refined", folder / stages["refined"]["file"], fast + stages["refined"]["seconds"]
    folder, record = run("gatys.yaml", content, "scales=[384, 768]")
    *_, last = record["stages"].values()
    yield "optimized", folder / last["file"], sum(stage["seconds"] for stage in record["stages"].values())


def main() -> None:
    network = read_weights(find("vgg19-slim"))
    layers = unseen_layers(SEEN, describe(network).layers)
    style = read_image(STYLE).pixels
    styles = measured_styles([measured_picture(Image(style), working_size(style.shape[:2]), network, layers)], layers)
    print("; ".join(f"{name}: {', '.join(of)}" for name, of in layers.items()))
    print(f"\n{'content':<24} {'':<10} {'  '.join(layers)}   seconds")
    for content in sys.argv[1:]:
        for name, path, seconds in results(content):
            pixels = read_image(path).pixels
            size = working_size(pixels.shape[:2])
            shown = measured_picture(read_image(Path(content)), size, network, layers)
            found = quality(measured_picture(Image(pixels), size, network, layers), content=shown, styles=styles, layers=layers)
            figures = "  ".join(f"{found[measure]:{len(measure)}.3f}" for measure in layers)
            print(f"{Path(content).stem[:24]:<24} {name:<10} {figures}   {seconds:7.1f}   {path}")


if __name__ == "__main__":
    main()

"""The main job's picture in figures, beside another program's of the same three inputs.

    python benchmarks/main_job.py CONTENT STYLE MASK PICTURE… [--sheet FILE]

Prints for each picture what can be measured without a network, and writes with `--sheet` the pictures side by side, whole and
in four parts at 1:1. All of luma in [0, 1]; in the region that is white in MASK where said:

- contrast: its standard deviation in the region, over that of the style, at a width of 960
- edge: the 97th percentile of its gradient (of Gaussian, σ 1) at a width of 1920
- grain: the median of its deviation from a blur of σ 1.2, at a width of 1920, in thousandths
- chroma: the mean chroma in Oklab, in the region
- coherence: of the structure tensor (σ 1, mean of σ 5), weighted by its trace, in the region at a width of 960
- recall: how far patches of the style are from the nearest patches of the region, at a width of 240: 13 × 13 pixels, of mean 0
  and divided by their deviation; the mean over patches of the root mean square of a pixel's difference
- content: the correlation of the bands between blurs of σ 1 and σ 4 with the content's, in the region at a width of 240
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from stylepipe.image.color.color_spaces import rgb_to_oklab

PATCH = 13
FLAT = 0.05
"""Added to the deviation of patches, so that flat ones are not all noise."""
PART = (640, 400)
PLACES = ((0.2, 0.3), (0.45, 0.75), (0.65, 0.3), (0.83, 0.7))
"""The centers of the parts that a sheet shows, as shares of width and height."""

Plane = Float[np.ndarray, "h w"]


def luma(path: Path, width: int) -> Plane:
    """Luma at a width: means of pixels where that is smaller, else bicubic."""
    picture = Pillow.open(path).convert("L")
    height = round(picture.height * width / picture.width)
    method = Pillow.Resampling.BOX if picture.width > width else Pillow.Resampling.BICUBIC
    return np.asarray(picture.resize((width, height), method), np.float32) / 255


def coherence(plane: Plane, region: Bool[np.ndarray, "h w"]) -> float:
    """How far gradients nearby have one direction: 0 is none, 1 all the same."""
    across, down = (ndimage.gaussian_filter(plane, 1, order=order) for order in ((0, 1), (1, 0)))
    xx, xy, yy = (ndimage.gaussian_filter(product, 5) for product in (across**2, across * down, down**2))
    return float(np.sqrt((xx - yy) ** 2 + 4 * xy**2)[region].sum() / (xx + yy)[region].sum())


def patches(plane: Plane, centers: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "n p"]:
    """The patches around such centers, of mean 0 and of one deviation."""
    windows = np.lib.stride_tricks.sliding_window_view(plane, (PATCH, PATCH))
    inside = centers[PATCH // 2 :, PATCH // 2 :][: windows.shape[0], : windows.shape[1]]
    chosen = windows[inside].reshape(-1, PATCH**2)
    chosen = chosen - chosen.mean(1, keepdims=True)
    return chosen / np.sqrt((chosen**2).mean(1, keepdims=True) + FLAT**2)


def recall(plane: Plane, region: Bool[np.ndarray, "h w"], style: Plane) -> float:
    """The mean distance of a pixel of the style's patches, one in four of them, to the nearest of the region's.

    Those of the region turned by 180° are among these.
    """
    wanted = patches(style, (np.indices(style.shape) % 2 == 0).all(0))
    upright = patches(plane, region)
    there = np.concatenate([upright, upright[:, ::-1]])
    squares = (there**2).sum(1)
    nearest = [(squares - 2 * each @ there.T).min(1) + (each**2).sum(1) for each in np.array_split(wanted, 20)]
    return float(np.sqrt(np.maximum(np.concatenate(nearest), 0)).mean()) / PATCH


def band(plane: Plane) -> Plane:
    """What lies between two blurs."""
    return ndimage.gaussian_filter(plane, 1) - ndimage.gaussian_filter(plane, 4)


def measures(picture: Path, content: Path, style: Path, mask: Path) -> dict[str, float]:
    """All figures of a picture, by name."""
    small, medium, large = (luma(picture, width) for width in (240, 960, 1920))
    colors = Pillow.open(picture).convert("RGB")
    oklab = np.asarray(rgb_to_oklab(np.asarray(colors, np.float32) / 255))
    inside = {width: luma(mask, width) > 0.5 for width in (240, 960)}
    in_colors = np.asarray(Pillow.open(mask).convert("L").resize(colors.size)) > 127
    return {
        "contrast": float(medium[inside[960]].std() / luma(style, 960).std()),
        "edge": float(np.percentile(ndimage.gaussian_gradient_magnitude(large, 1), 97)),
        "grain": 1000 * float(np.median(np.abs(large - ndimage.gaussian_filter(large, 1.2)))),
        "chroma": float(np.hypot(oklab[..., 1], oklab[..., 2])[in_colors].mean()),
        "coherence": coherence(medium, inside[960]),
        "recall": recall(small, inside[240], luma(style, 240)),
        "content": float(np.corrcoef(band(small)[inside[240]], band(luma(content, 240))[inside[240]])[0, 1]),
    }


def sheet(pictures: Sequence[Path]) -> Pillow.Image:
    """A column for each picture: the whole, then its parts as they are."""
    width, height = PART
    columns = []
    for path in pictures:
        picture = Pillow.open(path).convert("RGB").resize((1920, 1080), Pillow.Resampling.LANCZOS)
        corners = [(round(x * 1920 - width / 2), round(y * 1080 - height / 2)) for x, y in PLACES]
        parts = [picture.crop((x, y, x + width, y + height)) for x, y in corners]
        columns.append([picture.resize((width, width * 9 // 16), Pillow.Resampling.LANCZOS), *parts])
    whole = Pillow.new("RGB", (width * len(columns), sum(each.height for each in columns[0])))
    for i, column in enumerate(columns):
        top = 0
        for each in column:
            whole.paste(each, (i * width, top))
            top += each.height
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("content", "style", "mask"):
        parser.add_argument(name, type=Path)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    found = [measures(each, arguments.content, arguments.style, arguments.mask) for each in arguments.pictures]
    table = Table("picture", *found[0])
    for path, figures in zip(arguments.pictures, found, strict=True):
        table.add_row(path.name, *(f"{figure:.3g}" for figure in figures.values()))
    Console().print(table)
    if arguments.sheet:
        sheet(arguments.pictures).save(arguments.sheet)


if __name__ == "__main__":
    main()

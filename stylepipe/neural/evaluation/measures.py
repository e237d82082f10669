"""Quality measures of a stylization: fidelity to the content, and likeness to the styles.

The three factors of Wang et al. 2021, "Evaluate and improve the quality of neural style transfer" (Computer Vision and Image
Understanding 207, 103203; StyleEval). All are made of cosines Σ a b / (|a| |b|) of what is never negative, so that they lie in
[0, 1], and a picture compared with itself has 1. A loss cannot judge itself: so they are taken of layers that no loss has
seen, `unseen_layers`, where the paper has fixed ones. No JAX here; `views` looks at pictures.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from stylepipe.neural.encoders.vgg_layout import block_of

BINS = 128
PATCH = 3
ROWS = 1024
"""Patches compared at a time."""

CONTENT, GLOBAL, LOCAL = "content fidelity", "global effects", "local patterns"
BLOCKS: Mapping[str, tuple[int, ...]] = {CONTENT: (4, 5), GLOBAL: (2, 3, 4, 5), LOCAL: (3, 4)}
"""The measures and the network blocks that each uses; the paper uses the first layer of each."""

Rows = Float[np.ndarray, "n c"]
Layers = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class MeasuredPicture:
    """Statistics of a picture: the share of its pixels in each bin of each channel, and its features at the layers.

    `visible` says at each layer how visible each position is, from 0 to 1; None is all of it.
    """

    histogram: Float[np.ndarray, "3 bins"]
    features: Mapping[str, Float[np.ndarray, "_ _ _"]]
    visible: Mapping[str, Float[np.ndarray, "_ _"]] | None = None

    def weights(self, layer: str) -> Float[np.ndarray, "_ _"]:
        """Returns the weight of each position of a layer."""
        return np.ones(self.features[layer].shape[:2], np.float32) if self.visible is None else self.visible[layer]


@dataclass(frozen=True, eq=False)
class MeasuredStyles:
    """Statistics of all styles together: means over them, and all their patches, each of length 1.

    `distinct` says by layer how many patches are the best match of any.
    """

    histogram: Float[np.ndarray, "3 bins"]
    grams: Mapping[str, Float[np.ndarray, "_ _"]]
    patches: Mapping[str, Rows]
    distinct: Mapping[str, int]


def unseen_layers(seen: Collection[str], available: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Returns the layers of each measure: in each of its blocks, the first that no loss has `seen`.

    Blocks that are seen as a whole are left out, and so is a measure that has no block left. `available` are the network's
    layers, shallowest first.
    """
    first: dict[int, str] = {}
    for layer in available:
        if layer not in seen:
            first.setdefault(block_of(layer), layer)
    candidates = {name: tuple(first[block] for block in blocks if block in first) for name, blocks in BLOCKS.items()}
    return {name: layers for name, layers in candidates.items() if layers}


def measured_styles(styles: Sequence[MeasuredPicture], layers: Layers) -> MeasuredStyles:
    """Prepares the references of one or more styles."""
    grams = {layer: np.mean([_gram(style, layer) for style in styles], 0) for layer in layers.get(GLOBAL, ())}
    patches = {layer: np.concatenate([_patches(style, layer) for style in styles]) for layer in layers.get(LOCAL, ())}
    distinct = {layer: len(np.unique(_best_matches(rows, rows)[1])) for layer, rows in patches.items()}
    return MeasuredStyles(np.mean([style.histogram for style in styles], 0), grams, patches, distinct)


# --- the measures ---------------------------------------------------------------------------------------------------------


def content_fidelity(result: MeasuredPicture, content: MeasuredPicture, layers: Sequence[str]) -> float:
    """Returns the mean over layers of the cosine of all features of the result with those of the content, place by place."""

    def at(layer: str) -> float:
        weights = np.sqrt(result.weights(layer) * content.weights(layer))[..., None]  # once in each factor of a product
        return cosine(weights * result.features[layer], weights * content.features[layer])

    return float(np.mean([at(layer) for layer in layers]))


def global_effects(result: MeasuredPicture, styles: MeasuredStyles) -> float:
    """Returns half the mean over layers of the cosine of Gram matrices, plus half that over channels of histograms.

    G = Fᵀ F / n for features F of shape (n, c); histograms are shares of pixels in 128 equal bins of [0, 1] (the paper's, of
    each picture's own range). Of several styles it is the means of their matrices and of their histograms.
    """
    textures = [cosine(_gram(result, layer), gram) for layer, gram in styles.grams.items()]
    colors = [cosine(own, others) for own, others in zip(result.histogram, styles.histogram, strict=True)]
    return float(np.mean(textures) + np.mean(colors)) / 2


def local_patterns(result: MeasuredPicture, styles: MeasuredStyles) -> float:
    """Returns the mean over layers of half the patches' likeness and half their diversity.

    Each patch of 3×3 positions of the result has a best match among those of all styles, that of the largest cosine. The
    likeness is the mean of these cosines; the diversity is the number of patches that are the best match of any, over the
    number that are when the styles' patches themselves are matched, at most 1 (the paper does not bound it). O(n m c) time
    for n and m patches, and memory for `ROWS` m cosines.
    """
    scores: list[float] = []
    for layer, patches in styles.patches.items():
        cosines, chosen = _best_matches(_patches(result, layer), patches)
        scores += [float(cosines.mean()), min(1.0, len(np.unique(chosen)) / styles.distinct[layer])]
    return float(np.mean(scores))


def quality(
    result: MeasuredPicture, *, content: MeasuredPicture | None, styles: MeasuredStyles, layers: Layers
) -> dict[str, float]:
    """Returns the measures that have `layers`, by name; without a content there is no content fidelity.

    `content` is seen at the result's working size.
    """
    scores: dict[str, float] = {}
    if CONTENT in layers and content is not None:
        scores[CONTENT] = content_fidelity(result, content, layers[CONTENT])
    if GLOBAL in layers:
        scores[GLOBAL] = global_effects(result, styles)
    if LOCAL in layers:
        scores[LOCAL] = local_patterns(result, styles)
    return scores


def cosine(a: Float[np.ndarray, "*shape"], b: Float[np.ndarray, "*shape"]) -> float:
    """Σ a b / (|a| |b|), in float64; 0 where either is 0."""
    x, y = (np.asarray(each, np.float64).ravel() for each in (a, b))
    norms = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norms) if norms else 0.0


def _gram(picture: MeasuredPicture, layer: str) -> Float[np.ndarray, "_ _"]:
    features, weights = picture.features[layer], picture.weights(layer).reshape(-1, 1)
    flat = features.reshape(-1, features.shape[-1])
    return flat.T @ (weights * flat) / max(float(weights.sum()), np.finfo(np.float32).tiny)


def _patches(picture: MeasuredPicture, layer: str) -> Rows:
    """Returns all patches of 3×3 positions as rows of length 1 (or zeros); of a cut-out, those with visible centers."""
    windows = np.lib.stride_tricks.sliding_window_view(picture.features[layer], (PATCH, PATCH), (0, 1))
    centers = picture.weights(layer)[PATCH // 2 : -(PATCH // 2), PATCH // 2 : -(PATCH // 2)].ravel()
    rows = windows.reshape(windows.shape[0] * windows.shape[1], -1)[centers >= centers.max() / 2]
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


def _best_matches(rows: Rows, others: Float[np.ndarray, "m c"]) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Returns, for each row, the largest product with any of the others, and the first that attains it."""

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(rows), ROWS):
            products = rows[start : start + ROWS] @ others.T
            yield products.max(1), products.argmax(1)

    largest, numbers = zip(*blocks(), strict=True)
    return np.concatenate(largest), np.concatenate(numbers)

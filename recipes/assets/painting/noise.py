"""Noise that tiles: sheets of a random texture, looked up at any coordinates."""

import numpy as np

Array = np.ndarray


def sheet(rng: np.random.Generator, size: int = 512, *, low: float = 1.0, high: float = 1e9, slope: float = 1.6) -> Array:
    """A size×size periodic texture of mean 0 and standard deviation 1.

    White noise is filtered in the Fourier domain by 1/f^slope between the frequencies `low` and `high` (cycles per sheet);
    slope 1.6 resembles clouds and stains, slope 0 is a band of equal power.
    """
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size, 1 / size), np.fft.rfftfreq(size, 1 / size), indexing="ij"))
    band = (frequency >= low) & (frequency <= high)
    gain = np.where(band, np.maximum(frequency, 1.0) ** -slope, 0.0)
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * gain, (size, size))
    return (field / field.std()).astype(np.float32)


def sample(texture: Array, u: Array, v: Array) -> Array:
    """The periodic texture at (u, v), bilinear; one whole sheet is one unit of u and v."""
    size = texture.shape[0]
    x, y = u * size, v * size
    left, top = np.floor(x), np.floor(y)
    fx, fy = (x - left).astype(np.float32), (y - top).astype(np.float32)
    c0, r0 = left.astype(np.int64) % size, top.astype(np.int64) % size
    c1, r1 = (c0 + 1) % size, (r0 + 1) % size
    upper = texture[r0, c0] * (1 - fx) + texture[r0, c1] * fx
    lower = texture[r1, c0] * (1 - fx) + texture[r1, c1] * fx
    return upper * (1 - fy) + lower * fy


def billows(rng: np.random.Generator, size: int = 512, octaves: int = 6) -> Array:
    """A periodic texture of heaped, rounded lobes, as of cumulus: octaves of 1 − |noise|, mean 0 and standard deviation 1."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        low = 3.0 * 2**octave
        total += (1 - np.abs(sheet(rng, size, low=low, high=2 * low, slope=0.5))) * 0.55**octave
    return (total - total.mean()) / total.std()


def scatter(*whole_numbers: Array) -> Array:
    """A pseudo-random number in [0, 1) for each tuple of whole numbers: the same brick always has the same shade."""
    mixed = np.zeros(np.broadcast(*whole_numbers).shape, np.uint32)
    for number in whole_numbers:
        mixed = (mixed ^ np.asarray(number).astype(np.int64).astype(np.uint32)) * np.uint32(2654435761)
        mixed ^= mixed >> np.uint32(15)
    return ((mixed >> np.uint32(8)) / np.float32(1 << 24)).astype(np.float32)

"""PSNR by hand and by scikit-image."""

import numpy as np
import pytest
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio

from stylepipe.image.metrics import psnr

RNG = np.random.default_rng(3)
REFERENCE = RNG.random((40, 50, 3)).astype(np.float32)
PICTURE = (REFERENCE + RNG.normal(0, 0.1, REFERENCE.shape)).clip(0, 1).astype(np.float32)


def test_an_error_of_a_tenth_is_20_db():
    assert psnr(np.full((4, 5, 3), 0.6), np.full((4, 5, 3), 0.5)) == pytest.approx(20)


def test_equal_pictures():
    assert psnr(REFERENCE, REFERENCE) == np.inf


def test_psnr_agrees_with_scikit_image():
    expected = peak_signal_noise_ratio(REFERENCE.astype(float), PICTURE.astype(float), data_range=1)
    assert psnr(PICTURE, REFERENCE) == pytest.approx(expected, abs=1e-9)


def test_psnr_of_luma_without_its_border():
    a, b = (rgb2ycbcr(picture.astype(float))[3:-3, 3:-3, 0] for picture in (REFERENCE, PICTURE))
    expected = peak_signal_noise_ratio(a, b, data_range=255)
    assert psnr(PICTURE, REFERENCE, channel="y", border=3) == pytest.approx(expected, abs=1e-9)

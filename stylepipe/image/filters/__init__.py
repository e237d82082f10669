"""Filters of neighborhoods: blur, sharpen, denoise, coherence, guided."""

"""Passing runs on: provenance in pictures, bundles, crates. Nothing from others is trusted before it is checked."""

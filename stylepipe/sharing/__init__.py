"""Passing runs on: what a picture carries, and bundles; nothing of a stranger's is believed before it is checked."""

"""The entries of the catalog of network weights."""

from pathlib import Path

from sample_extension.edges import EdgesArchitecture
from stylepipe.neural.weights.catalog_entries import CatalogEntry

EDGES = CatalogEntry(
    "edges and corners by random kernels",
    ("sample-edges.safetensors",),
    "MIT",
    "the sample extension",
    folder=Path(__file__).with_name("data"),
    describe=EdgesArchitecture().describe,
)

"""The losses: one module for each kind, and the table of all kinds.

`AnyLoss` is what a recipe may write in a list of losses; `family` finds the functions that compute one.
"""

import re
from typing import Annotated, get_args

from pydantic import Field

from stylepipe.neural.losses import (
    content,
    cooccurrence,
    correlation_chain,
    gram,
    histogram,
    laplacian,
    moments,
    mrf,
    nearest_neighbor,
    sliced_wasserstein,
    total_variation,
    wasserstein,
)
from stylepipe.neural.losses.loss import Family, Loss

AnyLoss = Annotated[
    content.Content
    | cooccurrence.Cooccurrence
    | correlation_chain.CorrelationChain
    | gram.Gram
    | histogram.Histogram
    | laplacian.Laplacian
    | moments.Moments
    | mrf.Mrf
    | nearest_neighbor.NearestNeighbor
    | sliced_wasserstein.SlicedWasserstein
    | total_variation.TotalVariation
    | wasserstein.Wasserstein,
    Field(discriminator="kind"),
]

FAMILIES: dict[str, Family] = {
    "content": content,
    "cooccurrence": cooccurrence,
    "correlation_chain": correlation_chain,
    "gram": gram,
    "histogram": histogram,
    "laplacian": laplacian,
    "moments": moments,
    "mrf": mrf,
    "nearest_neighbour": nearest_neighbor,
    "sliced_wasserstein": sliced_wasserstein,
    "total_variation": total_variation,
    "wasserstein": wasserstein,
}

SPECS: dict[str, type[Loss]] = {spec.model_fields["kind"].default: spec for spec in get_args(get_args(AnyLoss)[0])}
"""What a recipe may say of each kind: its model of parameters."""


def family(loss: AnyLoss) -> Family:
    """The module of the loss's kind."""
    return FAMILIES[loss.kind]


def source(kind: str) -> str:
    """Where a kind of loss comes from: what stands in parentheses at the end of its module's first line."""
    told = re.search(r"\(([^()]*)\)\.$", (FAMILIES[kind].__doc__ or "").partition("\n")[0])
    return told[1] if told else "unknown"

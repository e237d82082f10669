"""The losses: one module per kind, and the table of all kinds.

`AnyLoss` is the type of an entry in a recipe's list of losses; `loss_implementation` returns the module that computes it.
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
from stylepipe.neural.losses.loss import Loss, LossImplementation

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

IMPLEMENTATIONS: dict[str, LossImplementation] = {
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
"""The parameter model of each kind."""


def loss_implementation(loss: AnyLoss) -> LossImplementation:
    """Returns the module that implements the loss's kind."""
    return IMPLEMENTATIONS[loss.kind]


def source(kind: str) -> str:
    """Returns the publication that a kind of loss comes from: the text in parentheses that ends its module's first line."""
    reference = re.search(r"\(([^()]*)\)\.$", (IMPLEMENTATIONS[kind].__doc__ or "").partition("\n")[0])
    return reference[1] if reference else "unknown"

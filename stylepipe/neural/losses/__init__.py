"""The losses: one module per kind, and the table of all kinds.

`AnyLoss` is the type of an entry in a recipe's list of losses.
"""

import re
import sys
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
from stylepipe.neural.losses.loss import Loss

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

SPECS: dict[str, type[Loss]] = {spec.model_fields["kind"].default: spec for spec in get_args(get_args(AnyLoss)[0])}
"""The parameter model of each kind."""


def source(kind: str) -> str:
    """Returns the publication that a kind of loss comes from: the text in parentheses that ends its module's first line."""
    reference = re.search(r"\(([^()]*)\)\.$", (sys.modules[SPECS[kind].__module__].__doc__ or "").partition("\n")[0])
    return reference[1] if reference else "unknown"

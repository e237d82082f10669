"""Networks, the losses on their features, and the loop that minimizes them."""

"""Files of network weights: which there are, and the layouts in which they are published."""

"""What functions return: runs and sweeps, and how notebooks show them."""

"""The functions of the optimizers, one module for each, and what they share. They import JAX; the optimizers do not."""

"""The functions of the losses, one module for each, and what they share. They import JAX; the losses do not."""

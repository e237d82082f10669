"""The optimizers: one module per kind, found by entry point (`optimizer_kinds`)."""

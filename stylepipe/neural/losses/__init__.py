"""The losses: one module per kind, found by entry point (`loss_kinds`)."""

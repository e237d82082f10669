"""Execution of one stage: the call, its checkpoints, previews and losses, and signals that stop it."""

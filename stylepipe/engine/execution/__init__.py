"""Computing one stage: calling it, its checkpoints, previews and losses, and the signals that stop it."""

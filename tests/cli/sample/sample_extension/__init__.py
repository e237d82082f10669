"""An extension of stylepipe: a stage, a loss and an optimizer."""

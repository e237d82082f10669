"""An extension of stylepipe: a stage, a loss, an optimizer and an encoder."""

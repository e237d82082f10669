"""An extension of stylepipe: a stage, a loss, an optimizer, an encoder and its weights."""

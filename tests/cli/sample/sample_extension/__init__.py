"""An extension of stylepipe: a stage and a loss."""

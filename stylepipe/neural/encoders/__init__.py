"""VGG, whose features the losses compare, and its convolutions."""

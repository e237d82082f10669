"""Data checked against models, and problems reported in the terms of the recipe."""

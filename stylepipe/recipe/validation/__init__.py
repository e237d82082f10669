"""Validation of data by models, with problems reported in the recipe's terms."""

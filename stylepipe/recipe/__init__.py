"""The recipe language: from text to a checked model with resolved references and source positions."""

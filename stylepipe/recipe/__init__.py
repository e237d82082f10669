"""The recipe language: text to a checked, templated model, with the place of everything."""

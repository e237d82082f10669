"""The text of recipes: YAML with the place of every value."""

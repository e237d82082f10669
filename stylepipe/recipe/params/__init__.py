"""Values for the params of a recipe: overrides, the axes of a sweep, file patterns, and labels."""

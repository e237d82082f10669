"""References such as `$params.size`, and the scope of their names."""

"""References such as `$params.size`, and what their names stand for."""

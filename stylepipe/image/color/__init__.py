"""Color spaces, and statistics of colors."""

"""Pages about runs, to be opened in a browser: made from what a run's folder holds, and kept in it."""

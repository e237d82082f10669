"""From what a user names to what runs: paths, runs and bundles, Python values and pictures, recipes as objects, jobs."""

"""From a resolved recipe to runs: graph, keys, store, records, runner."""

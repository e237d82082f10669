"""From a resolved recipe to runs.

job                                              a recipe made ready: `prepare`
plan, runner                                     what a run would do, and the run
graph, keys, sources, inputs, environment        what is needed, and what identifies a computation
store, housekeeping, files                       what was computed before, and looking after it
computation, execute, checkpoints, spool         one stage, from its inputs to the store
run_folder, records, events, pictures, privacy   what a run tells and leaves
interrupts                                       Ctrl-C
"""

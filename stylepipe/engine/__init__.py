"""From a resolved recipe to runs.

job                                              a recipe made ready: `prepare`
plan, runner, failures                           what a run would do, the run, and what it does when something fails
sweep, merge, results, contact_sheet             many variants of a recipe as one run, and what comes of them
graph, keys, sources, inputs, environment        what is needed, and what identifies a computation
store, sessions, cache_access, housekeeping      what was computed before, who is at work there, and looking after it
programs, files                                  what JAX has compiled; files that survive a crash
computation, execute, checkpoints, spool         one stage, from its inputs to the store
run_folder, records, events, pictures, privacy   what a run tells and leaves
interrupts                                       Ctrl-C
"""

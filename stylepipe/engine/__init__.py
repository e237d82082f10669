"""From a resolved recipe to runs.

job, graph, inputs, environment      a job ready to run: its recipe, the selected stages, its inputs
plan, estimates                      what a run would compute, with estimates of time and memory
runner, failure_policy, events       the run, what it does on failures, and the events that it reports
cache/                               keys, code digests, the content store, compiled programs
execution/                           one stage, from its inputs to the store
workers/                             stages computed ahead, by processes or on a Dask cluster
runs/                                the run's folder and record
sweeps/                              many variants of a recipe as one run
garbage_collection                   verifying the store and removing old results
"""

"""Stages computed ahead of a run by worker processes, on this machine or on a Dask cluster."""

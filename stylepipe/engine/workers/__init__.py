"""Worker processes that compute stages ahead of a run, on this machine or on a Dask cluster."""

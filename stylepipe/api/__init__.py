"""The Python API: everything that the command line does, as functions; `stylepipe` exports the public ones."""

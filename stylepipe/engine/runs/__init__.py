"""The folder of a run: its record, its pictures, and writing it."""

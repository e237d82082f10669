"""A run's folder: its record, its pictures, and how they are written."""

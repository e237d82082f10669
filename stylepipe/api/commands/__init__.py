"""The commands as functions: run, plan, sweep, verify, export, and what they return."""

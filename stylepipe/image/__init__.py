"""Pictures: reading, writing, and pure functions on arrays."""

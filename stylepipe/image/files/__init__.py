"""Picture files: formats, decoding, writing, color profiles, metadata."""

"""The content store: keys, stored objects and actions, and the other contents of the cache folder."""

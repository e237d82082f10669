"""The content store: keys, stored objects and actions, and what shares the cache folder with them."""

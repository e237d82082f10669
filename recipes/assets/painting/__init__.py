"""A small painter's workshop in NumPy: noise, shapes in space, light, materials, brushes, and the pictures made with them."""

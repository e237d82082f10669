"""Stylization by optimization: its inputs, the objective, the loop over one scale, and its memory."""

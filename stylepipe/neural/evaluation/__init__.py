"""Measures of how good a stylized picture is."""

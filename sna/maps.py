"""Result table in, map out; never computes a number it shows."""

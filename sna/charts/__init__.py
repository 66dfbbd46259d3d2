"""Result table in, matplotlib Axes out; never computes a number it shows."""

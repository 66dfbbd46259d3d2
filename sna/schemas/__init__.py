"""The contract of every table that crosses a room: grain, columns, units, allowed values."""

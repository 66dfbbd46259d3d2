"""A simulated London in the layouts of the publishers, with planted answers."""

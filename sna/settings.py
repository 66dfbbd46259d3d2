"""The settings of a partnership, strictly read from sna.toml."""

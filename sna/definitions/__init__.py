"""Reference tables and profiles of the definition, as CSV and TOML, with their loader."""

"""Processed tables: write atomically, read one borough fast."""

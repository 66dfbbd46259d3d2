"""Offence to band: facts, rules, bounds, explanations, comparison of profiles."""

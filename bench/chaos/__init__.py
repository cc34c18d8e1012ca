"""Chaos: everything that can break is broken under load, and then everything is counted."""

"""Invented inputs are judged by what comes out, not by how busy the machine is."""

from hypothesis import settings

settings.register_profile("unit", deadline=None, database=None)
settings.load_profile("unit")

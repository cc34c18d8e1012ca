"""Answers replies to cold e-mail: never loses one, never answers twice, says why."""

__version__ = "0.1.0"

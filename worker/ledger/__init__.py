"""The record of every event: the truth that everything else may lose."""

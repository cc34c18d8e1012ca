"""Receives and shows; decides nothing."""

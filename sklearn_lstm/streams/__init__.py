"""Batches of a stream, written into files."""

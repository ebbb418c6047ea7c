"""X and y of any kind to batches of sequences."""

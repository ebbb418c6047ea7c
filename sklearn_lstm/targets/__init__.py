"""What y is: labels, weights, groups and thresholds."""

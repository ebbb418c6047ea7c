"""Members that are a logistic regression on a vector for each sequence."""

"""The linear model of n-grams of ids: reader, weights, SVMs, letters, vectors, the online form."""

"""The stored form of fitted estimators."""

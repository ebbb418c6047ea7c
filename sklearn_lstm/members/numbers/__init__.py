"""The linear model of the numbers and categories beside sequences."""

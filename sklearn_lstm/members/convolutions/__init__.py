"""The linear model of random convolutions of series: features, levels, ridge regression."""

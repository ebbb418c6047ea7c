"""The linear model beside the network."""

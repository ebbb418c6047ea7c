"""How sequences are read: features of the linear models, a file for each, without torch."""

"""The recurrent network, in torch and in NumPy, and how it learns."""

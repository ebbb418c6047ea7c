"""What X is: any container to sequences, and how they are read."""

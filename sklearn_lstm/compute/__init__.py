"""Which device computes, and on how many threads."""

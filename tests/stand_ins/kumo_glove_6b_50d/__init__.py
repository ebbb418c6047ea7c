"""In the place of 400,000 vectors of words: four, in files of the same form."""

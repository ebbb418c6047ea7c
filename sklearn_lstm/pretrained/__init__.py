"""What others have learned: vectors of tokens, and encoders of whole texts."""

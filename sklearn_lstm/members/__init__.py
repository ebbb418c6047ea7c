"""The members of a model, each of which turns sequences into logits, and how they are fitted."""

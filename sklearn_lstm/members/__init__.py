"""The members of a model: each turns sequences into logits in its own way."""

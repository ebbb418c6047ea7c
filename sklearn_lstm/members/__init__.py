"""The members of a model, each of which turns sequences into logits, and the model of them."""

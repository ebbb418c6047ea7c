"""The network: sequences of one batch to logits."""

"""The command ``sklearn-lstm``: files of records -> models, labels and tables."""

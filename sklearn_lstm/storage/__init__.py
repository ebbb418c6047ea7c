"""What is stored of estimators, in pickles and files: a JSON tree, and the arrays that it names."""

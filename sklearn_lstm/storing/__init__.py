"""Values and estimators <-> what is stored of them, in pickles and files."""

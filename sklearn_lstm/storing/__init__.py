"""Values and estimators <-> what is stored of them, in pickles, files and checkpoints."""

"""One or two recurrent networks: `network/` has their layers, `training/` how they learn."""

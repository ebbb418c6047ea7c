"""One or two recurrent networks and how they learn; the layers: see `network/`."""

"""The recurrent network and how it learns; its layers: see `network/`."""

"""Steps as members read them: codes of ids, channels at one scale; tables that grow."""

"""Steps as members read them: codes of ids, channels at one scale."""

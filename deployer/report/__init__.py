"""A sync's outcome for people: words, JSON, the log."""

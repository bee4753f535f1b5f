"""One time-out for every HTTP request that leaves the process."""

TIMEOUT = 15.0
"""Seconds that a connection may take, and as many again for each read of an answer."""

"""Runs: the record, the log of everything that happened, and the engine that makes it happen."""

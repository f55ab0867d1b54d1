"""The log of runs in one SQLite file: one thread writes in groups, one reads, nobody on the event loop waits."""

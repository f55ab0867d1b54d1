"""Child processes: how they are started, watched and ended, whatever they run.

Every child has a session of its own, none of our standard streams, and a marker in its environment by which all its
descendants are found again. It is ended within bounds, and by a watchdog if this process dies first.
"""

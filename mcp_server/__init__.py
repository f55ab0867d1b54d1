"""The floor that is the wire: MCP over stdio, and the terminal.

Turns requests into runs, and the runs' logs into progress, results and screens. Knows nothing of graphs, models or
processes.
"""

"""How a person sees a run: live in a terminal, as plain lines, or as JSON lines; and how its end is shown.

For the commands that a person types; a server that speaks MCP never imports this package.
"""

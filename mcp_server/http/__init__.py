"""The server over HTTP: MCP's Streamable HTTP, an API about runs, live streams of their events, and the run page."""

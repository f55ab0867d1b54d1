"""The floor that does the work: agents, the models they run on, and the processes they start.

Knows nothing of graphs, runs or MCP. Everything an agent has to say while it works goes out through
`agents.events.Emit`; everything it has to say at the end is an `agents.agent.AgentReply`.
"""

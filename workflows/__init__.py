"""The floor that orders the work: workflows as graphs, and runs that are never lost.

Knows agents through their port and nothing of MCP or HTTP. What it offers upwards: `workflow.Workflow` and
`catalog.Catalog` (what can be run), `runs.engine.Engine` (run it), `runs.log.EventLog` (watch it).
"""

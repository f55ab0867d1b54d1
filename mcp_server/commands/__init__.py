"""The subcommands of `agent-workflows`, one module each."""

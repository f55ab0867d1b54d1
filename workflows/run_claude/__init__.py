"""The workflow `run_claude`: one Claude CLI agent, and everything it does as it does it."""

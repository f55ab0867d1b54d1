"""The workflow `ask`: one agent answers a question step by step, with tools."""

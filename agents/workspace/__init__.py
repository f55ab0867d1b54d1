"""What has really happened in a workspace: which files changed, how, and what is in them. Observed, never claimed."""

"""What a model agent may use: files and commands of the workspace, pages of the web, and tools from elsewhere."""

"""What goes on between a model agent and its model: answers, calls of tools, and what is asked next."""

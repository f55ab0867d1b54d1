"""The workflow `research`: a plan, researchers side by side, and an answer that cites numbered sources."""

"""The workflow `review_code`: several reviewers at once, each for one aspect, and their findings put together.

`contract` is light; `graph` imports the graph library and is loaded when the first run starts.
"""

"""The workflow `collaborate`: one agent after the other, and a reviewer and a refiner in turns until the code is good.

`contract` is light; `graph` imports the graph library and is loaded when the first run starts.
"""

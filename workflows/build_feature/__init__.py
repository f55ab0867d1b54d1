"""The workflow `build_feature`: a supervisor sends agents until a feature is built, reviewed and answered for.

`contract` is light; `graph` imports the graph library and is loaded when the first run starts.
"""

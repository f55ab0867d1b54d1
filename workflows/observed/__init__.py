"""What agents have really done, beside what they say: the files they changed, the commands and the tests they ran.

Shared by the workflows whose agents may write. `file_changed` and `run_of_tests` are light, for their contracts.
"""

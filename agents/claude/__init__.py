"""The Claude CLI as an agent: the process and its end, its bytes, its messages, and the story they tell.

The pure half does no I/O: `lines` (bytes to lines), `parser` (line to message), `narrate` (messages to events and
facts), `outcome` (facts to a reply or an error).
"""

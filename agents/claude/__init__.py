"""The Claude CLI as an agent: the process and its end, its bytes, its messages, and the story they tell.

The pure half does no I/O: `lines` (bytes to lines), `parser` (line to message), `narrate` (messages to events and
facts), `outcome` (facts to a reply or an error), `command` and `environment` (a task as a command line).

The half that touches the world: `locate` finds the command; `process` starts children and keeps the registry of them;
`child` is one that runs, and its end; `descendants` finds what it has started; `watchdog` cleans up where the server
cannot; `agent` ties the room together.
"""

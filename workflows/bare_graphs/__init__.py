"""Graphs as LangGraph compiles them, which know nothing of this program, offered as workflows as they are."""

"""A request as OpenAI's Chat Completions protocol wants it. Pure: nothing is sent here.

The protocol is spoken by many servers that each know a part of it: what only some know is left out for the others.
"""

from dataclasses import dataclass

from agents.claude.fields import Json, JsonObject
from agents.models.call_arguments import arguments_of
from agents.models.reply_shape import told_schema
from agents.models.request import (
    AssistantMessage,
    Message,
    ModelRequest,
    ReplySchema,
    ToolCall,
    ToolOffer,
    ToolResults,
    UserMessage,
)
from agents.models.strict_schema import strict_schema
"""x"""

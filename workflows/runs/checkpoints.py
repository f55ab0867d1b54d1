"""The checkpoints' database: how it is opened, and what its errors mean."""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, override

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from workflows.runs.errors import LogUnavailable
from workflows.runs.sqlite.database import BUSY_SECONDS, unavailable

_PAUSE = 0.02
"""Seconds between attempts to open what another process is opening."""

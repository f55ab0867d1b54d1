"""Runs that the browser tests look at."""

from dataclasses import replace

from tests.viewer.told_run import ToldRun
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    Heartbeat,
    StageCompleted,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
    WorkflowCompleted,
)

DESIGN = """\
# Design

One **flag**, one writer. See [the format](https://example.com/json).

| option | default |
|---|---|
| `--json` | off |

```python
def report(rows, json=False):
    return rows
```

- [x] keep the text output
- [ ] stream long reports
"""


def decided(agent: str, why: str, confidence: float) -> list[EventBody]:
    decision = SupervisorEvent(
        event_type="decision",
        reasoning=why,
        confidence=confidence,
        next_agent=agent,
        instructions=f"Do your part: {why}",
    )
    return [decision, replace(decision, event_type="routing")]


def worked(stage: str, number: int, *said: EventBody) -> list[EventBody]:
    usage = UsageRecorded(agent=stage, model="a-model", input_tokens=5200, output_tokens=740, cost_usd=0.031)
    done = StageCompleted(stage=stage, round=number, seconds=4.2, output={})
    return [StageStarted(stage=stage, round=number), *said, usage, done]


def tool(agent: str, call_id: str, command: str, output: str, *, ok: bool = True) -> list[EventBody]:
    return [
        ToolStart(agent=agent, tool="Bash", call_id=call_id, input={"command": command}),
        ToolEnd(agent=agent, tool="Bash", call_id=call_id, seconds=1.4, ok=ok, output=output),
    ]


async def a_whole_run(run: ToldRun) -> None:
    """Research, two rounds of code with a failed test between them, a review; 30 events with the first."""
    run.made("design.md", "text/markdown", DESIGN)
    made = {"text": "Design", "artifact": "design.md", "media_type": "text/markdown"}
    await run.say(
        *decided("research", "First somebody has to look.", 0.95),
        *worked(
            "research",
            1,
            TokenStream(agent="research", channel="thinking", text="The writers are all in one module. "),
            TokenStream(agent="research", channel="text", text="Reports are written by `writers.py`."),
            AgentEvent(agent="research", event_type="result", details=made),
        ),
        progress=25,
    )
    await run.say(
        *decided("codesmith", "The place is known.", 0.9),
        *worked("codesmith", 1, *tool("codesmith", "1", "python -m unittest", "FAILED (failures=1)", ok=False)),
        progress=50,
    )
    await run.say(
        *worked(
            "codesmith",
            2,
            AgentEvent(
                agent="codesmith", event_type="decision", details={"text": "move the header", "files": ["a.py"]}
            ),
            Heartbeat(
                agent="codesmith", stage="codesmith", seconds=5, waiting_for="model", reason="waiting for the model"
            ),
            *tool("codesmith", "2", "python -m unittest", "OK"),
            *tool("codesmith", "3", "ruff check", ""),
        ),
        progress=80,
    )
    await run.say(
        *worked("reviewfix", 1, AgentEvent(agent="reviewfix", event_type="result", details={"text": "approved"})),
        progress=99,
    )
    usage = {"input_tokens": 20800, "output_tokens": 2960, "cost_usd": 0.124}
    end = WorkflowCompleted(
        final_response=DESIGN, result={"files": ["a.py"]}, usage=usage, seconds=16.8, tool_calls=3, steps=4
    )
    await run.say(end, progress=100)

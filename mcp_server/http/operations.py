"""All that the API does."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from mcp_server.http.artifacts import ArtifactsApi
from mcp_server.http.event_stream import LARGEST_SEQ
from mcp_server.http.health_api import HealthApi, HealthView
from mcp_server.http.idempotency import LONGEST
from mcp_server.http.routes import Content, Handler, Operation, Parameter
from mcp_server.http.run_requests import AnswerRun, CancelRun, Chat, ForkRun, ListRuns, ResumeRun, StartRun, SteerRun
from mcp_server.http.run_views import RunListView, RunStatusView, RunView, StartedView
from mcp_server.http.runs_api import RunsApi
from mcp_server.http.workflow_views import WorkflowListView
from mcp_server.http.workflows_api import WorkflowsApi

RUN_ID = Parameter(name="run_id", place="path", description="The run.")
ARTIFACT = Parameter(name="name", place="path", description="The artifact's name.")
WORKFLOW = Parameter(name="name", place="path", description="The workflow's name.")
_SEQ = {"type": "integer", "minimum": 0, "maximum": LARGEST_SEQ}
AFTER = Parameter(name="after", place="query", description="Begin behind this event; 0 for all of them.", schema=_SEQ)
LAST_EVENT_ID = Parameter(
    name="Last-Event-ID",
    place="header",
    description="The last event that was read; wins over `after`. An EventSource sends it when it comes back.",
    schema=_SEQ,
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    description="The same key gives the same run, also when that is over; kept in memory for a day.",
    schema={"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"},
)
_BODY_PROBLEMS = (400, 413, 415, 422)
"""Errors of a body that cannot be taken."""
_RUN = Content(description="The run.", model=RunView)
_STARTED = Content(description="The run, which is durable; `location` says where it is found.", model=StartedView)
_ARTIFACT = Content(description="The artifact; its media type is what the run gave it.", media_type="*/*")
_STREAM = Content(
    description="One frame an event: `id` is its number, `event` its type, `data` one of the schemas of "
    "/api/events/schema.json. Comments keep it alive. It ends after the run's last event.",
    media_type="text/event-stream",
)


def operations(
    runs: RunsApi,
    artifacts: ArtifactsApi,
    workflows: WorkflowsApi,
    health: HealthApi,
    event_schema: Handler,
    openapi: Handler,
) -> Sequence[Operation]:
    """The operations, each with what answers it.

    Args:
        runs: About runs.
        artifacts: About what they have made.
        workflows: About what can be run.
        health: About the server.
        event_schema: Gives the events' schema.
        openapi: Gives the document these make.
    """
    return (
        *_on_all_runs(runs),
        *_on_one_run(runs, artifacts),
        *_about_workflows(workflows),
        *_about_the_api(event_schema, openapi),
        *_about_the_server(health),
    )


def _on_all_runs(runs: RunsApi) -> Sequence[Operation]:
    return (
        Operation(
            method="POST",
            path="/api/runs",
            name="start_run",
            summary="Start a run, or join the one of the same input that is not over.",
            handler=runs.start,
            body=StartRun,
            parameters=(IDEMPOTENCY_KEY,),
            answers={202: (_STARTED,)},
            problems=_BODY_PROBLEMS,
        ),
        Operation(
            method="GET",
            path="/api/runs",
            name="list_runs",
            summary="List your runs, newest first.",
            handler=runs.list,
            query=ListRuns,
            answers={200: (Content(description="A page of them.", model=RunListView),)},
            problems=(422,),
        ),
        Operation(
            method="POST",
            path="/api/chat",
            name="chat",
            summary="Start a run and stream it; with `Accept: application/json`, wait for its end or its question.",
            handler=runs.chat,
            body=Chat,
            parameters=(IDEMPOTENCY_KEY, AFTER, LAST_EVENT_ID),
            answers={200: (_STREAM, _RUN), 204: ()},
            problems=_BODY_PROBLEMS,
        ),
    )


def _on_one_run(runs: RunsApi, artifacts: ArtifactsApi) -> Sequence[Operation]:
    status = Content(description="How it stands.", model=RunStatusView)
    ends = "End a run and everything it started; repeating it changes nothing."
    resumes = "Go on with an interrupted run, from its last finished stage."
    steers = "Give an instruction to a run; its agents hear of it at their next turn."
    forks = "Start a new run from where this one had finished a stage, with changed input."
    return (
        _looking("", "get_run", "All of a run but its events.", runs.get, _RUN),
        _looking("/status", "get_run_status", "How a run stands.", runs.status, status),
        Operation(
            method="GET",
            path="/api/runs/{run_id}/events",
            name="watch_run",
            summary="A run's events: history, then live.",
            handler=runs.events,
            parameters=(RUN_ID, AFTER, LAST_EVENT_ID),
            answers={200: (_STREAM,), 204: ()},
            problems=(400, 404),
        ),
        _acting("cancel", ends, runs.cancel, CancelRun, problem=504),
        _acting("resume", resumes, runs.resume, ResumeRun),
        _acting("answer", "Settle a question that a run waits with.", runs.answer, AnswerRun),
        _acting("steer", steers, runs.steer, SteerRun),
        _acting("fork", forks, runs.fork, ForkRun, answers={202: (_STARTED,)}),
        Operation(
            method="GET",
            path="/api/runs/{run_id}/artifacts/{name}",
            name="get_artifact",
            summary="Something a run has made, whole or a part of it.",
            handler=artifacts.get,
            parameters=(RUN_ID, ARTIFACT),
            answers={200: (_ARTIFACT,), 206: (_ARTIFACT,)},
            problems=(404, 416),
        ),
    )


def _looking(part: str, name: str, summary: str, handler: Handler, content: Content) -> Operation:
    return Operation(
        method="GET",
        path=f"/api/runs/{{run_id}}{part}",
        name=name,
        summary=summary,
        handler=handler,
        parameters=(RUN_ID,),
        answers={200: (content,)},
        problems=(404,),
    )


def _acting(
    action: str,
    summary: str,
    handler: Handler,
    body: type[BaseModel],
    *,
    answers: Mapping[int, Sequence[Content]] | None = None,
    problem: int = 409,
) -> Operation:
    """Something that is done to a run. The problem is that of a run to which it cannot be done."""
    return Operation(
        method="POST",
        path=f"/api/runs/{{run_id}}/{action}",
        name=f"{action}_run",
        summary=summary,
        handler=handler,
        body=body,
        parameters=(RUN_ID,),
        answers=answers or {200: (_RUN,)},
        problems=sorted((404, problem, *_BODY_PROBLEMS)),
    )


def _about_workflows(workflows: WorkflowsApi) -> Sequence[Operation]:
    return (
        Operation(
            method="GET",
            path="/api/workflows",
            name="list_workflows",
            summary="What can be run.",
            handler=workflows.list,
            answers={200: (Content(description="The workflows.", model=WorkflowListView),)},
        ),
        Operation(
            method="GET",
            path="/api/workflows/{name}/graph",
            name="get_workflow_graph",
            summary="A workflow's graph.",
            handler=workflows.graph,
            parameters=(WORKFLOW,),
            answers={200: (Content(description="A Mermaid diagram.", media_type="text/vnd.mermaid"),)},
            problems=(404,),
        ),
    )


def _about_the_api(event_schema: Handler, openapi: Handler) -> Sequence[Operation]:
    return (
        Operation(
            method="GET",
            path="/api/events/schema.json",
            name="get_event_schema",
            summary="JSON Schema of every event.",
            handler=event_schema,
            answers={200: (Content(description="The schema.", media_type="application/schema+json"),)},
        ),
        Operation(
            method="GET",
            path="/api/openapi.json",
            name="get_openapi",
            summary="This document.",
            handler=openapi,
            answers={200: (Content(description="OpenAPI 3.1."),)},
        ),
    )


def _about_the_server(health: HealthApi) -> Sequence[Operation]:
    return (
        Operation(
            method="GET",
            path="/health",
            name="health",
            summary="Whether the server lives.",
            handler=health.live,
            answers={200: (Content(description="It does.", model=HealthView),)},
        ),
        Operation(
            method="GET",
            path="/ready",
            name="ready",
            summary="Whether the server takes new runs.",
            handler=health.ready,
            answers={
                200: (Content(description="It does.", model=HealthView),),
                503: (Content(description="Not at the moment.", model=HealthView),),
            },
        ),
        Operation(
            method="GET",
            path="/metrics",
            name="metrics",
            summary="Figures for Prometheus.",
            handler=health.metrics,
            answers={200: (Content(description="Prometheus' text format.", media_type="text/plain"),)},
        ),
    )

"""The API about runs: start one, list them, look at one, watch it, end it, fetch what it made."""

from collections.abc import Mapping
from contextlib import ExitStack, aclosing
from typing import TypeVar

import anyio
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from mcp_server.assembly import Assembly
from mcp_server.http.event_stream import LARGEST_SEQ, EventStream, EventStreams
from mcp_server.http.idempotency import IdempotencyKeys
from mcp_server.http.presence import until_gone
from mcp_server.http.principal import owner_of
from mcp_server.http.problem import Problem
from mcp_server.http.run_requests import (
    AnswerRun,
    CancelRun,
    Chat,
    ForkRun,
    ListRuns,
    ResumeRun,
    StartRun,
    SteerRun,
    body_as,
    chat_request,
    query_as,
    reply_of,
    run_request,
)
from mcp_server.http.run_views import RunListView, links_of, run_view, started_view, status_view, summary_view
from mcp_server.own_runs import own_run, own_run_in_the_log
from workflows.runs.engine import StartedRun
from workflows.runs.errors import RunError
from workflows.runs.events import GateOpened
from workflows.runs.run import Run, RunFilter, Steering

IDEMPOTENCY_KEY = "idempotency-key"

BodyT = TypeVar("BodyT", bound=BaseModel)


class RunsApi:
    """Answers requests about runs. Every one of them sees the caller's runs only.

    Args:
        assembly: The server's parts.
        streams: Sends events.
    """

    def __init__(self, assembly: Assembly, streams: EventStreams) -> None:
        self._assembly = assembly
        self._streams = streams
        self._keys = IdempotencyKeys()

    async def start(self, request: Request) -> Response:
        """POST /api/runs."""
        asked = await _body(request, StartRun)
        started = await self._start(request, asked)
        location = links_of(started.run.run_id).self
        return answer(started_view(started), 202, {"location": location})

    async def chat(self, request: Request) -> Response:
        """POST /api/chat: start a run and stream it, or answer with the run where the client cannot read a stream.

        The run goes on if the client goes away; the header `location` says where it is found.
        """
        asked = await _body(request, Chat)
        _, after = _given_seq(request.headers, request.query_params)
        with ExitStack() as place:
            # Before the run begins: whoever is refused has started nothing.
            place.enter_context(self._streams.open.one_more(owner_of(request.scope)))
            started = await self._start(request, chat_request(self._assembly, asked))
            run = started.run
            place.enter_context(self._assembly.waiters.attached(run.run_id, relies_on_it=True))
            headers = {"location": links_of(run.run_id).self, "x-run-id": run.run_id}
            if _wants_stream(request):
                if not started.joined or after > run.last_seq:
                    after = 0  # what the client has read was another run
                if after and after == run.last_seq and not run.active:
                    return Response(status_code=204, headers=headers)
                return EventStream(self._streams, run.run_id, run.owner, after, headers, place=place.pop_all())
            await self._until_it_rests(run, request)
        return await self._whole(run.run_id, run.owner, headers)

    async def list(self, request: Request) -> Response:
        """GET /api/runs."""
        asked = query_as(ListRuns, request.query_params)
        await self._assembly.engine.reconcile_all()  # a run whose server died is told as what it is
        found = await self._assembly.log.find(
            RunFilter(
                owner=owner_of(request.scope),
                statuses=frozenset(asked.status) if asked.status else None,
                workflow=asked.workflow,
                workspace=None if asked.workspace is None else self._assembly.workspaces.resolved(asked.workspace),
                limit=asked.limit,
                before=asked.before,
            )
        )
        more = found[-1].created_at if len(found) == asked.limit else None
        return answer(RunListView(runs=[summary_view(run) for run in found], next_before=more))

    async def get(self, request: Request) -> Response:
        """GET /api/runs/{run_id}."""
        return await self._whole(request.path_params["run_id"], owner_of(request.scope))

    async def status(self, request: Request) -> Response:
        """GET /api/runs/{run_id}/status."""
        return answer(status_view(await self._run(request)))

    async def events(self, request: Request) -> Response:
        """GET /api/runs/{run_id}/events."""
        run = await self._run(request)
        after = first_seq_after(request.headers, request.query_params, run)
        if not run.active and after == run.last_seq:
            return Response(status_code=204)  # an EventSource that gets this does not come back
        return EventStream(self._streams, run.run_id, run.owner, after)

    async def cancel(self, request: Request) -> Response:
        """POST /api/runs/{run_id}/cancel."""
        run = await own_run_in_the_log(self._assembly, request.path_params["run_id"], owner_of(request.scope))
        asked = await _body(request, CancelRun)
        return await self._shown(await self._assembly.engine.cancel(run.run_id, by=by_of(request), reason=asked.reason))

    async def resume(self, request: Request) -> Response:
        """POST /api/runs/{run_id}/resume."""
        run = await self._run(request)
        await _body(request, ResumeRun)
        return await self._shown(await self._assembly.engine.resume(run.run_id, by=by_of(request)))

    async def answer(self, request: Request) -> Response:
        """POST /api/runs/{run_id}/answer."""
        run = await self._run(request)
        asked = await _body(request, AnswerRun)
        return await self._shown(await self._assembly.engine.answer(run.run_id, reply_of(asked, by_of(request))))

    async def steer(self, request: Request) -> Response:
        """POST /api/runs/{run_id}/steer."""
        run = await self._run(request)
        asked = await _body(request, SteerRun)
        steering = Steering(text=asked.text, by=by_of(request))
        return await self._shown(await self._assembly.engine.steer(run.run_id, steering))

    async def fork(self, request: Request) -> Response:
        """POST /api/runs/{run_id}/fork."""
        run = await self._run(request)
        asked = await _body(request, ForkRun)
        forked = await self._assembly.engine.fork(run.run_id, asked.stage, asked.input, owner=run.owner)
        location = links_of(forked.run_id).self
        return answer(started_view(StartedRun(forked, joined=False)), 202, {"location": location})

    async def _run(self, request: Request) -> Run:
        return await own_run(self._assembly, request.path_params["run_id"], owner_of(request.scope))

    async def _whole(self, run_id: str, owner: str, headers: Mapping[str, str] | None = None) -> Response:
        return await self._shown(await own_run(self._assembly, run_id, owner), headers)

    async def _shown(self, run: Run, headers: Mapping[str, str] | None = None) -> Response:
        return answer(run_view(run, await self._assembly.log.artifacts(run.run_id)), 200, headers)

    async def _start(self, request: Request, asked: StartRun) -> StartedRun:
        owner = owner_of(request.scope)
        wanted = run_request(self._assembly, asked, owner)

        async def start() -> StartedRun:
            started = await self._assembly.engine.start(wanted)
            self._assembly.on_request(started)
            return started

        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            return await start()
        run_id, started = await self._keys.once(owner, key, asked.model_dump_json(), start)
        if started is not None:
            return started
        return StartedRun(await own_run(self._assembly, run_id, owner), joined=True)

    async def _until_it_rests(self, run: Run, request: Request) -> None:
        """Wait until a run is over or waits for a person, or who has asked is gone."""
        failure: RunError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(until_gone, request.receive, tasks.cancel_scope)
            try:
                await self._follow_until_it_rests(run)
            except RunError as error:  # raised below, so that it does not arrive in a group
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _follow_until_it_rests(self, run: Run) -> None:
        if run.status == "waiting":
            return
        async with aclosing(self._assembly.engine.follow(run.run_id, run.last_seq)) as batches:
            async for events in batches:
                if any(isinstance(event.body, GateOpened) for event in events):
                    now = await self._assembly.log.get(run.run_id)
                    if now is None or now.status == "waiting":
                        return


def answer(body: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A model as a JSON answer, which nobody is to store."""
    fields = {"cache-control": "no-store", **(headers or {})}
    return Response(body.model_dump_json(), status, headers=fields, media_type="application/json")


def by_of(request: Request) -> str:
    """Who asks, for the log of a run."""
    return f"{owner_of(request.scope)} over HTTP"


def first_seq_after(headers: Mapping[str, str], query: Mapping[str, str], run: Run) -> int:
    """Number of the event behind which a watcher wants to begin; what it has read last wins over its address.

    Raises:
        Problem: It is no number, or there is no such event yet.
    """
    name, seq = _given_seq(headers, query)
    if seq > run.last_seq:
        raise Problem(
            400,
            "event_not_there_yet",
            f"{name}: the run's newest event is {run.last_seq}; there is no {seq}.",
            recovery=("Give the `seq` of the last event you have; it may belong to another run",),
            field=name,
        )
    return seq


def _given_seq(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, int]:
    """An event's number and what it was given as; 0 if there is none."""
    name = "Last-Event-ID" if headers.get("last-event-id") else "after"
    text = headers.get("last-event-id") or query.get("after") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) <= 16 and int(text) <= LARGEST_SEQ):
        raise Problem(
            400,
            "invalid_input",
            f"{name}: {text[:40]!r} is no event's number.",
            recovery=("Give the `seq` of the last event you have, or 0 for all of them",),
            field=name,
        )
    return name, int(text)


async def _body(request: Request, model: type[BodyT]) -> BodyT:
    return body_as(model, await request.body(), request.headers.get("content-type", "application/json"))


def _wants_stream(request: Request) -> bool:
    accept = request.headers.get("accept", "*/*")
    return "text/event-stream" in accept or "application/json" not in accept

"""`subscriptions/listen` for tasks: tells a client by itself what `tasks/get` would tell it."""

import logging
from contextlib import aclosing
from typing import Any, Literal, cast

import anyio
from mcp.server.mcpserver import require_client_extension
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_REQUEST,
    Notification,
    ServerNotification,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)

from mcp_server.assembly import Assembly
from mcp_server.eras import RequestContext
from mcp_server.introduction import TASKS
from mcp_server.newest_line import LOOKED_AT
from mcp_server.own_runs import own_run
from mcp_server.owner import owner_of_call
from mcp_server.task_shape import TaskShapes
from workflows.runs.errors import RunError

logger = logging.getLogger(__name__)

LEAST_INTERVAL = 0.5
"""Seconds between two notifications of one task."""
MOST_TASKS = 64
"""Tasks one stream tells of; the rest can be asked for."""


class TaskNotification(Notification[dict[str, Any], Literal["notifications/tasks"]]):
    """A task has changed; its params are the task."""

    method: Literal["notifications/tasks"] = "notifications/tasks"
    params: dict[str, Any]


class TaskListening:
    """Serves `subscriptions/listen`. Nothing but tasks ever changes here, so nothing else is promised.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._shapes = TaskShapes(assembly)

    async def __call__(
        self, ctx: RequestContext, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one stream, until the client ends it."""
        if ctx.request_id is None:
            raise MCPError(code=INVALID_REQUEST, message="subscriptions/listen requires a request id")
        meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: ctx.request_id}
        run_ids = await self._own(ctx, params)
        agreed = SubscriptionFilter.model_validate({"taskIds": run_ids} if run_ids else {})
        acknowledgement = SubscriptionsAcknowledgedNotificationParams(notifications=agreed, _meta=meta)
        await ctx.session.send_notification(
            SubscriptionsAcknowledgedNotification(params=acknowledgement), related_request_id=ctx.request_id
        )
        async with anyio.create_task_group() as tasks:
            for run_id in run_ids:
                tasks.start_soon(self._tell, run_id, meta, ctx)
            await anyio.sleep_forever()
        return SubscriptionsListenResult(_meta=meta)

    async def _own(self, ctx: RequestContext, params: SubscriptionsListenRequestParams) -> list[str]:
        asked = cast("object", (params.notifications.model_extra or {}).get("taskIds"))
        if not isinstance(asked, list) or not asked:
            return []
        require_client_extension(ctx, TASKS)
        own: list[str] = []
        for run_id in cast("list[object]", asked)[:MOST_TASKS]:
            try:
                own.append((await own_run(self._assembly, str(run_id), owner_of_call(ctx))).run_id)
            except RunError:
                continue  # somebody else's, or nobody's: not agreed to
        return own

    async def _tell(self, run_id: str, meta: dict[str, Any], ctx: RequestContext) -> None:
        """Tell of a task until its run is over, also across an interruption: somebody may go on with it."""
        try:
            with self._assembly.waiters.attached(run_id):
                await self._tell_all(run_id, meta, ctx)
        except RunError as error:
            logger.warning("task %s cannot be told of any more: %s", run_id, error.message)

    async def _tell_all(self, run_id: str, meta: dict[str, Any], ctx: RequestContext) -> None:
        log = self._assembly.log
        run = await log.get(run_id)
        after = 0 if run is None else run.last_seq
        await self._tell_now(run_id, meta, ctx)
        async with aclosing(log.watch(run_id, after)) as batches:
            async for events in batches:
                if events:
                    await self._tell_now(run_id, meta, ctx)
                    await anyio.sleep(LEAST_INTERVAL)  # the pace; what comes meanwhile is in the next one
                elif (run := await log.get(run_id)) is not None:
                    await self._assembly.engine.reconcile(run)

    async def _tell_now(self, run_id: str, meta: dict[str, Any], ctx: RequestContext) -> None:
        tail = await self._assembly.log.tail(run_id, LOOKED_AT)
        if tail is None:
            return
        task = await self._shapes.task(tail.run, tail.events)
        entry = task.model_dump(by_alias=True, mode="json", exclude_none=True, exclude={"result_type"})
        notification = cast("ServerNotification", TaskNotification(params={**entry, "_meta": meta}))
        await ctx.session.send_notification(notification, related_request_id=ctx.request_id)

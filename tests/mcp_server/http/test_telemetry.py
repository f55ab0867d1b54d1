"""Whether spans are sent, and where to."""

import sys
from pathlib import Path

import pytest

from mcp_server.assembly import assemble
from mcp_server.http.telemetry import Telemetry, telemetry_of
from tests.fakes.collector import collector
from tests.mcp_server.http.own_workflows import ECHO
from tests.mcp_server.http.running import BOUND, place
from workflows.budget import Limits
from workflows.catalog import Catalog
from workflows.runs.engine import RunRequest
from workflows.runs.events import LastEvent

pytestmark = pytest.mark.anyio


async def run_once(directory: Path, telemetry: Telemetry, text: str) -> str:
    """Have the echo say something; the run's id."""
    settings = place(directory)
    async with assemble(settings, Catalog((ECHO,)), observe=telemetry.observe) as assembly:
        request = RunRequest(
            workflow=ECHO,
            input=ECHO.input_model(text=text),
            workspace=str(settings.roots[0]),
            owner="local",
            limits=Limits(),
        )
        started = await assembly.engine.start(request)
        async for events in assembly.engine.follow(started.run.run_id, 0):
            if isinstance(events[-1].body, LastEvent):
                break
        return started.run.run_id


async def test_a_run_reaches_the_collector_without_its_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as found:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": found.url, "OTEL_SERVICE_NAME": "ours"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        telemetry = await telemetry_of(variables)
        assert telemetry is not None
        await run_once(tmp_path, telemetry, "a text that stays here")
        await telemetry.close(BOUND)

    assert found.names() == {"invoke_workflow echo", "stage work", "invoke_agent echo"}
    assert found.services == {"ours"}
    assert not [body for body in found.bodies if b"stays here" in body]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
async def test_nobody_who_did_not_ask_gets_spans(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    assert await telemetry_of(environ) is None
    assert not caplog.records


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ),
    ],
)
async def test_what_cannot_be_had_is_said(
    environ: dict[str, str], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await telemetry_of(environ) is None
    assert named in caplog.text


async def test_an_installation_without_the_sdk_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    assert await telemetry_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) is None
    assert "agent-workflows-mcp[otel]" in caplog.text

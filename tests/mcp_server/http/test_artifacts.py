"""What runs have made, over HTTP."""

import httpx
import pytest

from tests.mcp_server.http.asking import problem
from tests.mcp_server.http.running import Running
from workflows.runs.log import Artifact

pytestmark = pytest.mark.anyio


@pytest.fixture
async def artifact(server: Running) -> str:
    """Where an artifact of the digits 0 to 9 is."""
    run = await server.told(events=1)
    run.writer.save_artifact(Artifact(name="digits.txt", media_type="text/plain", body=b"0123456789"))
    run.writer.save_artifact(Artifact(name="page.html", media_type="text/html", body=b"<script>alert(1)</script>"))
    run.writer.save_artifact(Artifact(name="empty", media_type="application/octet-stream", body=b""))
    await run.say()
    return f"/api/runs/{run.run_id}/artifacts/digits.txt"


async def test_an_artifact_has_its_media_type_and_all_its_bytes(client: httpx.AsyncClient, artifact: str) -> None:
    answer = await client.get(artifact)

    assert answer.content == b"0123456789"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "given", "content"),
    [
        ("bytes=0-3", "bytes 0-3/10", b"0123"),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=-2", "bytes 8-9/10", b"89"),
        ("bytes=5-500", "bytes 5-9/10", b"56789"),
        ("bytes=-500", "bytes 0-9/10", b"0123456789"),
    ],
)
async def test_a_part_of_an_artifact_can_be_asked_for(
    client: httpx.AsyncClient, artifact: str, asked: str, given: str, content: bytes
) -> None:
    answer = await client.get(artifact, headers={"range": asked})

    assert answer.status_code == 206
    assert answer.headers["content-range"] == given
    assert answer.content == content


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=-0", "bytes=99-100"])
async def test_a_part_there_is_not_is_refused(client: httpx.AsyncClient, artifact: str, asked: str) -> None:
    answer = await client.get(artifact, headers={"range": asked})

    assert answer.headers["content-range"] == "bytes */10"
    problem(answer, 416, "range_not_satisfiable", "Range")


@pytest.mark.parametrize("asked", ["bytes=5-3", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=x-y", ""])
async def test_a_range_that_is_none_gives_the_whole(client: httpx.AsyncClient, artifact: str, asked: str) -> None:
    answer = await client.get(artifact, headers={"range": asked})

    assert answer.status_code == 200
    assert answer.content == b"0123456789"


async def test_a_page_that_an_agent_wrote_is_never_a_page_of_this_server(
    client: httpx.AsyncClient, artifact: str
) -> None:
    answer = await client.get(artifact.replace("digits.txt", "page.html"))

    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == 'attachment; filename="page.html"'


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "..%5c..", "digits.txt%00", "a" * 5000, "%C3%A4"])
async def test_no_name_leads_out_of_a_run(client: httpx.AsyncClient, artifact: str, name: str) -> None:
    answer = await client.get(artifact.replace("digits.txt", name))

    assert answer.status_code == 404
    assert answer.json()["kind"] in {"artifact_not_found", "not_found"}


async def test_an_empty_artifact_is_empty(client: httpx.AsyncClient, artifact: str) -> None:
    answer = await client.get(artifact.replace("digits.txt", "empty"))

    assert (answer.status_code, answer.content) == (200, b"")

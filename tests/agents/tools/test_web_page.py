"""Fetching a page, from a loopback server that may misbehave. Names lead where the test says."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import h11
import pytest
from anyio.abc import SocketAttribute, SocketStream

from agents.tools import web_page
from agents.tools.fetch_page import fetching_tool
from agents.tools.public_address import is_public
from agents.tools.tool import ToolFailed
from agents.tools.web_page import WebPage, fetch
from tests.fakes.http_connection import HttpConnection

pytestmark = pytest.mark.anyio

Answer = Callable[[HttpConnection, h11.Request], Awaitable[None]]


def sends(body: bytes, kind: str = "text/html; charset=utf-8", status: int = 200, **headers: str) -> Answer:
    """An answer that is a page."""
    more = [(name.replace("_", "-"), value) for name, value in headers.items()]

    async def answer(http: HttpConnection, _: h11.Request) -> None:
        await http.send(status, kind, body, more)

    return answer


def redirects(location: str) -> Answer:
    return sends(b"", status=302, location=location)


@dataclass(slots=True)
class Site:
    """A site that is up; `docs.example` leads to it, and counts as public."""

    port: int
    pages: Mapping[str, Answer]
    hosts: list[str] = field(default_factory=list[str])
    addresses: dict[str, list[str]] = field(default_factory=lambda: {"docs.example": ["127.0.0.1"]})
    public: set[str] = field(default_factory=lambda: {"127.0.0.1"})

    def url(self, path: str = "/", host: str = "docs.example") -> str:
        return f"http://{host}:{self.port}{path}"

    async def fetch(self, path: str = "/", host: str = "docs.example") -> WebPage:
        with anyio.fail_after(5):
            return await fetch(self.url(path, host), may_reach=self.public.__contains__, look_up=self._look_up)

    async def refused(self, path: str = "/", host: str = "docs.example") -> str:
        with pytest.raises(ToolFailed) as failure:
            await self.fetch(path, host)
        return str(failure.value)

    async def _look_up(self, host: str, _port: int) -> list[str]:
        if host not in self.addresses:
            raise OSError("no such host")
        return self.addresses[host]

    async def respond(self, http: HttpConnection, request: h11.Request, _body: bytes) -> None:
        headers = {name.decode().lower(): value.decode() for name, value in request.headers}
        self.hosts.append(headers["host"])
        await self.pages[request.target.decode()](http, request)


@asynccontextmanager
async def site(**pages: Answer) -> AsyncGenerator[Site]:
    """Bring a site up; `index` is its page `/`, `a` its page `/a`."""
    paths = {"/" if name == "index" else f"/{name}": answer for name, answer in pages.items()}
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
        up = Site(listener.extra(SocketAttribute.local_port), paths)

        async def serve(stream: SocketStream) -> None:
            async with stream:
                await HttpConnection(stream).serve(up.respond)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            yield up
            tasks.cancel_scope.cancel()


# ---- pages


async def test_a_page_becomes_text_with_title_headings_lists_and_links() -> None:
    html = b"""<html><head><title>Moon</title><style>p {}</style><script>alert(1)</script></head><body>
    <nav>Home</nav><main><h2>Phases</h2><ul><li>new</li><li>full</li></ul>
    <p>See <a href="/tides">the tides</a> &amp; more.</p></main></body></html>"""
    async with site(index=sends(html)) as up:
        page = await up.fetch()

    assert page.text == "# Moon\n\n## Phases\n\n* new\n* full\n\nSee [the tides](/tides) & more."
    assert page.is_whole


async def test_broken_html_is_read_as_far_as_it_can_be() -> None:
    async with site(index=sends(b"<p>one<p>two<table><tr><td>three")) as up:
        text = (await up.fetch()).text

    assert all(word in text for word in ("one", "two", "three"))


async def test_html_that_is_nested_too_deep_is_told() -> None:
    async with site(index=sends(b"<div>" * 2_000)) as up:
        assert "nested too deep" in await up.refused()


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "text/csv", "application/ld+json"])
async def test_text_of_other_kinds_is_left_as_it_is(kind: str) -> None:
    async with site(index=sends(b'{"a": "<b>"}', kind)) as up:
        assert (await up.fetch()).text == '{"a": "<b>"}'


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "application/octet-stream"])
async def test_what_is_no_text_is_refused(kind: str) -> None:
    async with site(index=sends(b"\0", kind)) as up:
        assert kind in await up.refused()


async def test_the_encoding_that_the_server_names_is_used() -> None:
    async with site(index=sends("café".encode("latin-1"), "text/plain; charset=latin-1")) as up:
        assert (await up.fetch()).text == "café"


@pytest.mark.parametrize("name", ["klingon", "idna", "undefined", "base64"])
async def test_an_encoding_that_nobody_knows_or_that_is_none_for_texts_is_taken_for_utf8(name: str) -> None:
    async with site(index=sends("café".encode(), f"text/plain; charset={name}")) as up:
        assert (await up.fetch()).text == "café"


@pytest.mark.parametrize("url", ["http://xn--/", "http://xn--a\u0000/"])
async def test_a_name_that_no_host_can_have_is_told(url: str) -> None:
    with pytest.raises(ToolFailed), anyio.fail_after(5):
        await fetch(url, may_reach=lambda _: True)


async def test_a_status_that_is_an_error_is_told() -> None:
    async with site(index=sends(b"not here", status=404)) as up:
        assert "status 404" in await up.refused()


# ---- bounds


async def test_a_page_is_downloaded_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page, "PAGE_BYTES", 10)
    async with site(index=sends(b"x" * 11, "text/plain")) as up:
        page = await up.fetch()

    assert page.text == "x" * 10
    assert not page.is_whole


async def test_a_page_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page, "PAGE_BYTES", 100_000)

    async def forever(http: HttpConnection, _: h11.Request) -> None:
        await http.start(200, "text/plain")
        while True:
            await http.send_data(b"x" * 10_000)

    async with site(index=forever) as up:
        assert len((await up.fetch()).text) == 100_000


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page, "PAGE_SECONDS", 0.05)

    async def silent(http: HttpConnection, _: h11.Request) -> None:
        await http.wait_until_client_is_gone()

    async with site(index=silent) as up:
        assert "cannot be fetched" in (told := await up.refused()) or "took longer than" in told


async def test_what_comes_packed_is_refused() -> None:
    async with site(index=sends(b"\x1f\x8b", content_encoding="gzip")) as up:
        assert "packed" in await up.refused()


# ---- where it may go


async def test_the_host_is_told_although_the_connection_goes_to_an_address() -> None:
    async with site(index=sends(b"hello", "text/plain")) as up:
        await up.fetch()

    assert up.hosts == [f"docs.example:{up.port}"]


async def test_a_private_address_is_refused() -> None:
    async with site(index=sends(b"a secret", "text/plain")) as up:
        up.public.clear()

        assert await up.refused() == "denied: docs.example is not on the public internet"
    assert not up.hosts


async def test_a_name_with_a_private_address_among_public_ones_is_refused() -> None:
    async with site(index=sends(b"a secret", "text/plain")) as up:
        up.addresses["docs.example"] = ["127.0.0.1", "10.0.0.1"]

        assert "denied" in await up.refused()


async def test_a_redirect_is_followed() -> None:
    async with site(index=redirects("/a"), a=sends(b"hello", "text/plain")) as up:
        page = await up.fetch()

        assert (page.text, page.url) == ("hello", up.url("/a"))


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    async with site(index=redirects("http://metadata.internal/")) as up:
        up.addresses["metadata.internal"] = ["169.254.169.254"]

        assert await up.refused() == "denied: metadata.internal is not on the public internet"


async def test_a_redirect_to_another_scheme_is_refused() -> None:
    async with site(index=redirects("file:///etc/passwd")) as up:
        assert "is no http or https URL" in await up.refused()


async def test_a_circle_of_redirects_is_left() -> None:
    async with site(index=redirects("/")) as up:
        assert "is redirected more than 5 times" in await up.refused()
        assert len(up.hosts) == 6


async def test_a_host_that_nobody_knows_is_told() -> None:
    async with site() as up:
        assert await up.refused(host="nowhere.example") == "the host nowhere.example is not known"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/", "example.org", "", "http://", "http://user:pass@example.org/"]
)
async def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(ToolFailed):
        await fetch(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "2130706433", "0x7f000001"])
async def test_this_machine_cannot_be_reached_under_any_of_its_names(host: str) -> None:
    async def look_up(name: str, _port: int) -> list[str]:
        numbers = {"2130706433": "127.0.0.1", "0x7f000001": "127.0.0.1", "localhost": "::1"}
        return [numbers.get(name, name)]

    with pytest.raises(ToolFailed, match=r"denied|no URL"):
        await fetch(f"http://{host}:1/", may_reach=is_public, look_up=look_up)


async def test_the_tool_reaches_public_addresses_only_unless_it_is_told_otherwise() -> None:
    with pytest.raises(ToolFailed, match=r"denied: 127\.0\.0\.1 is not on the public internet"):
        await fetching_tool().call({"url": "http://127.0.0.1:1/"})


async def test_a_connection_that_fails_is_told() -> None:
    async def look_up(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    with pytest.raises(ToolFailed, match="cannot be fetched"):
        await fetch("http://docs.example:9/", may_reach=lambda _: True, look_up=look_up)


async def test_the_tool_gives_the_text_below_its_address() -> None:
    async def download(url: str) -> WebPage:
        return WebPage(f"{url}/moved", "hello", is_whole=False)

    outcome = await fetching_tool(download).call({"url": "https://docs.example"})

    assert outcome.output == "https://docs.example/moved\n\nhello\n\n(the page is longer than what is downloaded)"
    assert not outcome.changed_something

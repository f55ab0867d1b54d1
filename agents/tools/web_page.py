"""Downloads one page within bounds. Imported when the first page is fetched: it brings httpx along.

The name of the host is looked up once, the address is checked, and the connection goes to exactly that address: a name
that points somewhere else a moment later changes nothing. Every redirect is checked the same way.
"""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import anyio.to_thread
import httpx

from agents.tools.page_text import text_of_html
from agents.tools.public_address import is_public
from agents.tools.tool import ToolFailed

PAGE_BYTES = 1024 * 1024
"""How much of a page is downloaded; the rest is left. So much HTML takes seconds to read."""
PAGE_SECONDS = 30.0
"""How long it may take with all redirects."""
MOST_REDIRECTS = 5
_USER_AGENT = "agent-workflows (fetches single pages that a model has asked for)"
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_ALSO_TEXT = ("text/", "application/json", "application/xml", "application/javascript", "application/yaml")
_TEXT_SUFFIXES = ("+json", "+xml")

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, for a port. Raises `OSError` where there are none."""
MayReach: TypeAlias = Callable[[str], bool]
"""Whether an address may be connected to."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a host."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True, slots=True)
class WebPage:
    """What was downloaded.

    Attributes:
        url: Where it came from in the end.
        text: Its text.
        is_whole: False if it was longer than what is downloaded.
    """

    url: str
    text: str
    is_whole: bool


async def fetch(url: str, *, may_reach: MayReach = is_public, look_up: Resolve = resolve) -> WebPage:
    """Download a page.

    Args:
        url: `http` or `https`.
        may_reach: Which addresses may be connected to.
        look_up: Finds the addresses of a host.

    Raises:
        ToolFailed: There is no text to be had there, or it may not be reached; the message says why.
    """
    try:
        with anyio.fail_after(PAGE_SECONDS):
            # No proxies of the environment: behind one, the address that is reached could not be checked.
            async with httpx.AsyncClient(trust_env=False, timeout=PAGE_SECONDS, follow_redirects=False) as client:
                return await _follow(client, _parsed(url), may_reach, look_up)
    except TimeoutError as error:
        raise ToolFailed(f"{url} took longer than {PAGE_SECONDS:.0f} s") from error
    except (httpx.HTTPError, UnicodeError) as error:  # a host's name may be no name in any alphabet
        raise ToolFailed(f"{url} cannot be fetched: {str(error) or type(error).__name__}") from error


async def _follow(client: httpx.AsyncClient, url: httpx.URL, may_reach: MayReach, look_up: Resolve) -> WebPage:
    for _ in range(MOST_REDIRECTS + 1):
        request = _request_to(client, url, await _address_of(url, may_reach, look_up))
        response = await client.send(request, stream=True)
        try:
            if response.has_redirect_location:
                url = _parsed(str(url.join(response.headers["location"])))
                continue
            return await _read(response, url)
        finally:
            await response.aclose()
    raise ToolFailed(f"{url} is redirected more than {MOST_REDIRECTS} times")


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ToolFailed(f"{url} is no URL: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ToolFailed(f"denied: {url} is no http or https URL")
    if parsed.userinfo:
        raise ToolFailed("denied: a URL with a user name or a password")
    return parsed


async def _address_of(url: httpx.URL, may_reach: MayReach, look_up: Resolve) -> str:
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        addresses = await look_up(url.host, port)
    except (OSError, UnicodeError) as error:
        raise ToolFailed(f"the host {url.host} is not known") from error
    allowed = [address for address in addresses if may_reach(address)]
    # One private address among public ones is how a name tricks a check: such a host is refused as a whole.
    if not addresses or len(allowed) < len(addresses):
        raise ToolFailed(f"denied: {url.host} is not on the public internet")
    return allowed[0]


def _request_to(client: httpx.AsyncClient, url: httpx.URL, address: str) -> httpx.Request:
    """A request that goes to one address and speaks to the host of the URL."""
    return client.build_request(
        "GET",
        url.copy_with(host=address.partition("%")[0], fragment=None),
        headers={
            "Host": url.netloc.decode("ascii"),
            "User-Agent": _USER_AGENT,
            "Accept": "text/html, text/*;q=0.9, application/json;q=0.9, */*;q=0.1",
            "Accept-Encoding": "identity",  # what is packed could unpack to any size
        },
        extensions={"sni_hostname": url.host},  # the certificate is checked against this name
    )


async def _read(response: httpx.Response, url: httpx.URL) -> WebPage:
    if response.is_error:
        raise ToolFailed(f"{url} answers with status {response.status_code}")
    kind = response.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    if kind not in _HTML and not kind.startswith(_ALSO_TEXT) and not kind.endswith(_TEXT_SUFFIXES):
        raise ToolFailed(f"{url} is {kind}, which is no text")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ToolFailed(f"{url} comes packed, although that was declined")
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > PAGE_BYTES:
            break
    text = _decoded(bytes(content[:PAGE_BYTES]), response.charset_encoding)
    if kind in _HTML:
        try:
            text = await anyio.to_thread.run_sync(text_of_html, text, abandon_on_cancel=True)
        except ValueError as error:
            raise ToolFailed(f"{url} cannot be read: {error}") from error
    return WebPage(str(url), text, is_whole=len(content) <= PAGE_BYTES)


def _decoded(content: bytes, encoding: str | None) -> str:
    try:
        return content.decode(encoding or "utf-8", errors="replace")
    except (LookupError, UnicodeError):  # an encoding that nobody knows, or that is none for texts
        return content.decode("utf-8", errors="replace")

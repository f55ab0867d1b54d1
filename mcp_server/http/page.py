"""The run page: static files that were built from `mcp_server/viewer`, and the form with which a browser signs in."""

import base64
import hashlib
import html
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from mcp_server.http.principal import address_of
from mcp_server.http.problem import Problem, not_found
from mcp_server.http.sessions import Sessions, cookie
from mcp_server.http.shown_tokens import ShownTokens

DIRECTORY = Path(__file__).parent.parent / "viewer" / "dist"
"""Where the built page lies: `index.html`, and the files it names."""

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
"""The page loads nothing from elsewhere, and no text becomes a script in it."""

_HEADERS = {"content-security-policy": CONTENT_SECURITY_POLICY, "cache-control": "no-cache"}

_FORM_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; background: light-dark(#f6f7f9, #0f1115); }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; color: light-dark(#1a1f29, #e6e9ef); }
main { display: grid; gap: 0.75rem; width: min(22rem, 100vw - 4rem); padding: 1.5rem; border-radius: 12px;
  background: light-dark(#fff, #171a21); border: 1px solid light-dark(#e2e5eb, #2a2f3a); }
h1, p { margin: 0; }
h1 { font-size: 1.3rem; }
form, label { display: grid; gap: 0.4rem; }
input, button { font: inherit; padding: 0.4rem 0.6rem; border-radius: 8px; border: 1px solid #7c8698; }
button { margin-top: 0.4rem; border-color: #2f49d1; background: #2f49d1; color: #fff; font-weight: 600; }
"""
_FORM = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Agent workflows</title>
<link rel="icon" href="data:,"><style>{style}</style></head>
<body>
<main>
<h1>Agent workflows</h1>
<p role="status">{message}</p>
<form method="post" action="/session">
<label>Token <input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Sign in</button>
</form>
</main>
</body>
</html>
"""
_FORM_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY.replace(
        "style-src 'self'",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_FORM_STYLE.encode()).digest()).decode()}'",
    ),
    "cache-control": "no-store",
    # Browsers send a form of a page that lets nobody know where it is with `Origin: null`, which is no origin of ours.
    "referrer-policy": "same-origin",
}
_MOST_FIELDS = 10
"""The form has one; a browser's extension may add some."""
_MISSING = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Agent workflows</title></head>
<body><main><h1>Agent workflows</h1>
<p>The server runs; its page is not part of this installation. The API is described at
<a href="/api/openapi.json">/api/openapi.json</a>, MCP clients connect to <code>/mcp</code>.</p></main></body>
</html>
"""


async def index(_request: Request) -> Response:
    """GET /: the page, which finds out by itself what to show."""
    path = DIRECTORY / "index.html"
    if not path.is_file():
        return HTMLResponse(_MISSING, headers=_HEADERS)
    return FileResponse(path, headers=_HEADERS)


async def file(request: Request) -> Response:
    """GET of a file that the page names.

    Raises:
        Problem: There is none of this name.
    """
    name = request.path_params["file"]
    files = {path.name: path for path in DIRECTORY.iterdir()} if DIRECTORY.is_dir() else {}
    if name not in files:
        raise not_found(f"route {request.url.path[:80]!r}")
    return FileResponse(files[name], headers=_HEADERS)


def sign_in_page(problem: Problem) -> Response:
    """The form, with the status and headers of a problem."""
    text = _FORM.format(style=_FORM_STYLE, message=html.escape(problem.message))
    return HTMLResponse(text, problem.status, headers={**problem.headers, **_FORM_HEADERS})


class SignIn:
    """Opens and closes the sessions of browsers.

    Args:
        tokens: Looks at the tokens they show.
        sessions: Who has signed in.
    """

    def __init__(self, tokens: ShownTokens, sessions: Sessions) -> None:
        self._tokens = tokens
        self._sessions = sessions

    async def open(self, request: Request) -> Response:
        """POST /session, with the form's `token`; a browser is shown the form again if it is not valid.

        Raises:
            Problem: The token is not valid, and who asks is no browser; or it is no form; or too many were not valid.
        """
        token = _token_in(await request.body())
        principal = await self._tokens.principal(address_of(request.scope), token)
        if principal is None:
            problem = Problem(401, "wrong_token", "This token is not valid here, or not any more.", field="token")
            if "text/html" in request.headers.get("accept", ""):
                return sign_in_page(problem)
            raise problem
        secure = request.url.scheme == "https"
        headers = {"set-cookie": cookie(self._sessions.open(principal), secure=secure), "cache-control": "no-store"}
        return RedirectResponse("/", 303, headers)

    async def close(self, request: Request) -> Response:
        """POST /session/end."""
        self._sessions.close(request.headers)
        secure = request.url.scheme == "https"
        return RedirectResponse("/", 303, {"set-cookie": cookie("", secure=secure, seconds=0)})


def _token_in(body: bytes) -> str | None:
    """The token of the sign-in form."""
    try:
        fields = parse_qs(body.decode(errors="replace"), max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Problem(
            400,
            "malformed_form",
            "The request's body is no sign-in form.",
            recovery=("Send a form with the one field `token`",),
            field="token",
        ) from error
    return fields.get("token", [""])[0].strip() or None

import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from mcp.server.auth.provider import AccessToken

from mcp_server.http import auth
from mcp_server.http.auth import VerifiedTokens
from tests.mcp_server.http.asking import problem
from tests.mcp_server.http.running import running

pytestmark = pytest.mark.anyio

ISSUER = "https://issuer.example"
AUDIENCE = "https://agents.example/mcp"


@dataclass(slots=True)
class Issuer:
    """Issues tokens, and publishes its keys on loopback.

    Attributes:
        url: Where its keys are.
        asked: How often they were asked for.
        up: Whether it answers.
    """

    url: str = ""
    asked: int = 0
    up: bool = True
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def token(self, *, key: Any = None, algorithm: str = "ES256", kid: str = "one", **claims: Any) -> str:
        """A token; claims that are None are left out."""
        soon = datetime.now(UTC) + timedelta(minutes=5)
        whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": soon, "scope": "runs", **claims}
        kept = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(kept, key or self.key, algorithm=algorithm, headers={"kid": kid})

    def keys(self) -> bytes:
        """Its public keys (JWKS)."""
        self.asked += 1
        public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**public, "kid": "one", "use": "sig", "alg": "ES256"}]}).encode()


@pytest.fixture
def issuer() -> Generator[Issuer, None, None]:
    """An issuer while it runs."""
    issuer = Issuer()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Keys, issuer)) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}/jwks"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield issuer
        server.shutdown()
        thread.join(5)


class _Keys(BaseHTTPRequestHandler):
    def __init__(self, issuer: Issuer, *rest: Any) -> None:
        self._issuer = issuer
        super().__init__(*rest)

    def do_GET(self) -> None:
        self.send_response(200 if self._issuer.up else 500)
        self.end_headers()
        self.wfile.write(self._issuer.keys())

    def log_message(self, format: str, *args: object) -> None:
        del format, args


def oauth(issuer: Issuer) -> dict[str, Any]:
    return {
        "oauth_issuer": ISSUER,
        "oauth_jwks_url": issuer.url,
        "oauth_audience": AUDIENCE,
        "oauth_scopes": ["runs"],
    }


async def test_a_token_of_the_issuer_is_let_in_and_its_subject_is_the_owner(tmp_path: Path, issuer: Issuer) -> None:
    async with running(tmp_path, **oauth(issuer)) as server:
        run = await server.told(f"ann@{ISSUER}", events=1)
        async with server.client(issuer.token()) as ann, server.client(issuer.token(sub="bob")) as bob:
            assert (await ann.get(f"/api/runs/{run.run_id}")).status_code == 200
            assert (await bob.get(f"/api/runs/{run.run_id}")).status_code == 404


def unsigned() -> str:
    return jwt.encode(
        {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": 2**33}, "", algorithm="none", headers={"kid": "one"}
    )


async def test_no_other_token_is(tmp_path: Path, issuer: Issuer) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    wrong = {
        "expired": issuer.token(exp=datetime.now(UTC) - timedelta(minutes=5)),
        "of another issuer": issuer.token(iss="https://other.example"),
        "for another server": issuer.token(aud="https://other.example"),
        "for nobody in particular": issuer.token(aud=None),
        "without an end": issuer.token(exp=None),
        "without a subject": issuer.token(sub=None),
        "signed by a stranger": issuer.token(key=stranger),
        "of an unknown key": issuer.token(kid="two"),
        "signed with what everybody knows": issuer.token(key="x" * 32, algorithm="HS256"),
        "not signed": unsigned(),
        "no token": "a.b.c",
    }
    async with running(tmp_path, **oauth(issuer)) as server:
        for what, token in wrong.items():
            async with server.client(token) as client:
                assert (await client.get("/api/runs")).status_code == 401, what

    assert issuer.asked <= 2


async def test_a_token_without_the_scope_is_told_which(tmp_path: Path, issuer: Issuer) -> None:
    async with running(tmp_path, **oauth(issuer)) as server, server.client(issuer.token(scope="mail")) as client:
        answer = await client.get("/api/runs")

    assert answer.status_code == 403
    assert answer.json()["kind"] == "insufficient_scope"
    assert "runs" in answer.json()["message"]


async def test_an_issuer_that_does_not_answer_is_no_wrong_token(tmp_path: Path, issuer: Issuer) -> None:
    issuer.up = False
    async with running(tmp_path, **oauth(issuer)) as server, server.client(issuer.token()) as client:
        answer = await client.get("/api/runs")

    assert answer.status_code == 503
    assert answer.json()["kind"] == "issuer_unavailable"


async def test_a_client_without_a_token_finds_the_issuer(tmp_path: Path, issuer: Issuer) -> None:
    async with running(tmp_path, **oauth(issuer)) as server, server.client() as client:
        refused = await client.post("/mcp", json={})
        challenge = refused.headers["www-authenticate"]
        path = httpx.URL(challenge.partition('resource_metadata="')[2].partition('"')[0]).path
        metadata = await client.get(path)

    assert refused.status_code == 401
    assert path == "/.well-known/oauth-protected-resource/mcp"
    assert metadata.json()["resource"] == AUDIENCE
    assert [server.rstrip("/") for server in metadata.json()["authorization_servers"]] == [ISSUER]


async def test_a_token_of_our_own_works_beside_the_issuers(tmp_path: Path, issuer: Issuer) -> None:
    async with (
        running(tmp_path, token="own-token-0123456789", **oauth(issuer)) as server,
        server.client("own-token-0123456789") as own,
        server.client(issuer.token()) as other,
    ):
        assert (await own.get("/api/runs")).status_code == 200
        assert (await other.get("/api/runs")).status_code == 200


@pytest.mark.usefixtures("no_time_passes")
async def test_a_token_that_was_right_before_is_let_in_however_many_wrong_ones_came(
    tmp_path: Path, issuer: Issuer
) -> None:
    async with (
        running(tmp_path, **oauth(issuer)) as server,
        server.client(issuer.token()) as known,
        server.client(issuer.token(sub="bob")) as new,
        server.client("a.b.c") as stale,
    ):
        first = await known.get("/health")
        while (await stale.get("/health")).status_code != 429:
            pass
        again, refused = await known.get("/health"), await new.get("/health")

    assert [first.status_code, again.status_code] == [200, 200]
    assert "Too many wrong tokens came from your address" in problem(refused, 429, "too_many_requests")["message"]


class Verifier:
    """Finds every token right that is not withdrawn."""

    def __init__(self, expires_at: int) -> None:
        self._expires_at = expires_at
        self.withdrawn: set[str] = set()

    async def verify_token(self, token: str) -> AccessToken | None:
        if token in self.withdrawn:
            return None
        return AccessToken(token=token, client_id="ann", scopes=[], expires_at=self._expires_at)


async def test_a_token_is_recognized_until_it_expires() -> None:
    now = 1000.0
    tokens = VerifiedTokens(Verifier(expires_at=1060), lambda: now)
    assert not tokens.recognizes("a")

    await tokens.principal("a")
    now += 59
    assert tokens.recognizes("a")
    now += 1
    assert not tokens.recognizes("a")


async def test_a_token_that_is_not_right_any_more_is_a_stranger_again() -> None:
    verifier = Verifier(expires_at=1060)
    tokens = VerifiedTokens(verifier, lambda: 1000.0)
    await tokens.principal("a")
    verifier.withdrawn.add("a")

    assert await tokens.principal("a") is None
    assert not tokens.recognizes("a")


async def test_the_tokens_that_were_shown_last_are_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REMEMBERED", 2)
    tokens = VerifiedTokens(Verifier(expires_at=1060), lambda: 1000.0)
    for token in ("a", "b", "a", "c"):
        await tokens.principal(token)

    assert [token for token in ("a", "b", "c") if tokens.recognizes(token)] == ["a", "c"]

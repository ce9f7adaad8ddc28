"""Identity service in small (OpenID Connect with PKCE), over real HTTP on a free port of loopback. Its answers can be
made wrong in one respect each, so that each check of the client is seen to matter."""

import asyncio
import base64
import json
import secrets
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "huijian", "a secret of the two"


class OidcProvider:
    """The identity service as it runs. `subject`: the person who signs in there; `wrong`: claims in the place of right
    ones; `slash`: the end of its own name; `padding`: what its description has too much; `described`: how often it was
    asked for that; `open`: cleared, it answers later."""

    def __init__(self, now):
        self.now, self.subject, self.wrong, self.issuer = now, "person-1", {}, ""
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.signing_key, self.algorithm, self.down = self.key, "RS256", False
        self.slash, self.padding, self.described, self.open = "", "", 0, asyncio.Event()
        self.open.set()
        self._codes = {}

    @property
    def name(self):
        """The issuer as the service itself writes it."""
        return self.issuer + self.slash

    def approve(self, address):
        """Sign the person in at an address to which a browser was sent; return the way back's query."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", CLIENT, "openid")
        assert asked["code_challenge_method"] == "S256"
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"], "session_state": "x", "iss": self.issuer}

    async def discover(self, request):
        """Answer with the description of the service."""
        self.described += 1
        await self.open.wait()
        if self.down:
            return web.Response(status=500)
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        about = {"issuer": self.name, "padding": self.padding}
        about |= {name: f"{self.issuer}/{path}" for name, path in names.items()}
        answer = web.StreamResponse()  # in parts, of which no header says how long they are together
        await answer.prepare(request)
        await answer.write(json.dumps(about).encode())
        return answer

    async def authorize(self, request):
        """Approve at once, and send the browser back."""
        back = self.approve(str(request.url))
        raise web.HTTPSeeOther(f"{request.query['redirect_uri']}?{urlencode(back)}")

    async def token(self, request):
        """Answer with the ID token for a code, which counts once, to the client that has the verifier."""
        if self.down:
            return web.Response(status=500)
        form = await request.post()
        asked = self._codes.pop(form["code"], None)
        user, _, secret = base64.b64decode(request.headers["Authorization"].split()[1]).decode().partition(":")
        fits = asked is not None and create_s256_code_challenge(form["code_verifier"]) == asked["code_challenge"]
        if not fits or form["redirect_uri"] != asked["redirect_uri"] or (user, unquote(secret)) != (CLIENT, SECRET):
            return web.json_response({"error": "invalid_grant"}, status=400)
        at = int(self.now().timestamp())
        claims = {"iss": self.name, "sub": self.subject, "aud": CLIENT, "nonce": asked["nonce"]}
        claims |= {"iat": at, "exp": at + 300, "auth_time": at} | self.wrong
        signed = jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, self.signing_key, [self.algorithm])
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": signed})

    async def jwks(self, request):
        """Answer with the public key of the service."""
        return web.json_response({"keys": [self.key.as_dict(private=False)]})


@asynccontextmanager
async def oidc_provider(now):
    """Run the service until the block ends."""
    provider, app = OidcProvider(now), web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.discover)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.token)
    app.router.add_get("/jwks", provider.jwks)
    async with TestServer(app) as server:
        provider.issuer = str(server.make_url("/")).rstrip("/")
        yield provider

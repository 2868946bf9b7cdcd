"""What stands before the page: who is asking, signing in and out, files of conversations, and what a browser may do.

The framework puts a page's own `head` in place only after its code has chosen a language, so our script goes in here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from channels.page.export import Exported, Format
from channels.page.signin import COOKIE as SESSION_COOKIE
from channels.page.signin import LIFETIME_S, SignIn, login_page
from channels.page.uploads import UploadError, Uploads
from channels.page.visitors import COOKIE as VISITOR_COOKIE
from channels.page.visitors import USER_KEY, new_secret, owner_for
from channels.state.keys import ApiKeys

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ExportOf = Callable[[str, str, Format], Exported | None]
"""(conversation, owner, format) -> the file."""

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-src 'none'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
EXPORTS = "/conversation/"
DOCUMENTS = "/documents/"
_VISITOR_LIFETIME_S = 400 * 86_400
_OPEN_PATHS = ("/gradio_api/startup-events", "/gradio_api/startup-events/")
_UPLOADS = ("/gradio_api/upload", "/upload")
_FORMATS: dict[str, Format] = {"md": "md", "json": "json"}


def head_script(language: str) -> str:
    """Our script as a tag. `language` is `zh`, `en` or `auto`, which follows the browser."""
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    return f'<script>window.advisorLanguage="{language}";\n{script}</script>'


@dataclass(frozen=True)
class House:
    """What the front needs to know. The defaults let everybody in and keep nothing."""

    language: str = "auto"
    sign_in: SignIn = SignIn(None, ApiKeys({}))
    export_of: ExportOf = lambda _id, _owner, _kind: None
    may_upload: Callable[[str | None], bool] = lambda _user: False
    uploads: Uploads | None = None


class Front:
    """ASGI middleware around the page."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], house: House | None = None) -> None:
        self.app = app
        self.house = house or House()
        self._script = head_script(self.house.language)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        path = str(scope["path"]).removeprefix(_root(request))
        user = self.house.sign_in.user_of(request.cookies, request.headers.get("authorization", ""))
        visitor = request.cookies.get(VISITOR_COOKIE, "")
        set_cookie = b"" if owner_for(None, visitor) else _cookie(request, VISITOR_COOKIE, new_secret(), _VISITOR_LIFETIME_S)
        scope[USER_KEY] = user or ""
        shown = _Shown(send, self._script.encode(), scope["method"] == "HEAD", set_cookie)
        own = await self._own_answer(request, path, user, visitor)
        await (own if own is not None else self.app)(scope, receive, shown)

    async def _own_answer(self, request: Request, path: str, user: str | None, visitor: str) -> Response | None:
        """The answer to what is ours to answer; None lets the page answer."""
        if self.house.sign_in.gate is not None and path.rstrip("/") in ("/login", "/logout"):
            return await (self._login(request) if path.startswith("/login") else self._logout(request))
        if user is None and path not in _OPEN_PATHS:
            wants_page = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")
            return RedirectResponse(f"{_root(request)}/login", 303) if wants_page else JSONResponse({"detail": "Not authenticated"}, 401)
        if path.startswith(_UPLOADS):
            # The framework's own uploads land where every visitor could read them; no part of the page needs them.
            return JSONResponse({"detail": "uploads go through the documents tab"}, 403)
        if path.startswith(DOCUMENTS):
            return await self._upload(request, path.removeprefix(DOCUMENTS), user or None)
        if path.startswith(EXPORTS):
            id_, _, ending = path.removeprefix(EXPORTS).rpartition(".")
            kind = _FORMATS.get(ending)
            owner = owner_for(user, visitor)
            made = await run_in_threadpool(self.house.export_of, id_, owner, kind) if kind is not None else None
            return _download(made) if made is not None else PlainTextResponse("no such conversation of yours", 404)
        return None

    async def _upload(self, request: Request, name: str, user: str | None) -> Response:
        """Take a document in; the answer holds its ticket, or the wording of why not."""
        # A form of another site cannot send this header, and no other site may ask whether it could.
        if self.house.uploads is None or request.method != "PUT" or request.headers.get("x-advisor") != "upload" or _is_foreign(request):
            return JSONResponse({"detail": "expected a PUT of the page itself"}, 405)
        if not self.house.may_upload(user):
            return JSONResponse({"detail": "Only maintainers may add documents."}, 403)
        declared = request.headers.get("content-length", "")
        try:
            ticket = await self.house.uploads.receive(name, request.stream(), int(declared) if declared.isdecimal() else None)
        except UploadError as error:
            return JSONResponse({"key": error.key, "values": error.values}, 422)
        return JSONResponse({"ticket": ticket})

    async def _login(self, request: Request) -> Response:
        gate = self.house.sign_in.gate
        assert gate is not None  # asked only where there is one
        if request.method != "POST":
            return HTMLResponse(login_page(self._script, failed=False))
        if _is_foreign(request):
            return JSONResponse({"detail": "signing in from another site is refused"}, 403)
        async with request.form(max_files=0, max_fields=8) as form:
            name, password = str(form.get("username", ""))[:64].strip(), str(form.get("password", ""))[:1024]
        fits = await run_in_threadpool(gate, name, password)
        wants_page = "text/html" in request.headers.get("accept", "")
        if not fits:
            page = HTMLResponse(login_page(self._script, failed=True), 401)
            return page if wants_page else JSONResponse({"detail": "Incorrect credentials."}, 400)
        response: Response = RedirectResponse(f"{_root(request)}/", 303) if wants_page else JSONResponse({"success": True})
        cookie = _cookie(request, SESSION_COOKIE, self.house.sign_in.cookie_for(name), LIFETIME_S)
        response.headers.append("set-cookie", cookie.decode())
        return response

    async def _logout(self, request: Request) -> Response:
        response = RedirectResponse(f"{_root(request)}/login", 303)
        response.headers.append("set-cookie", _cookie(request, SESSION_COOKIE, "", 0).decode())
        return response


class _Shown:
    """Responses on their way out: headers on all, our script and the visitor's cookie on pages."""

    def __init__(self, send: Send, script: bytes, is_head: bool, set_cookie: bytes) -> None:
        self._send, self._script, self._is_head, self._set_cookie = send, script, is_head, set_cookie
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            message["headers"] = headers + list(HEADERS)
            if any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = bytes(self._body)
            if b"window.advisorLanguage" not in page[:4096]:
                page = page.replace(b"<head>", b"<head>" + self._script, 1)
            start, self._start = self._start, None
            start["headers"] = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            start["headers"].append((b"content-length", str(len(page)).encode()))
            if self._set_cookie:
                start["headers"].append((b"set-cookie", self._set_cookie))
            await self._send(start)
            message = {"type": "http.response.body", "body": b"" if self._is_head else page}
        await self._send(message)


def _is_foreign(request: Request) -> bool:
    """Whether a page of another site sent it."""
    origin = request.headers.get("origin")
    if origin == "null":
        # A browser told to send no referrer hides the origin of its own pages as well; this header it sets itself.
        return request.headers.get("sec-fetch-site") != "same-origin"
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def _cookie(request: Request, name: str, value: str, seconds: int) -> bytes:
    forwarded: Mapping[str, str] = request.headers
    secure = "; Secure" if forwarded.get("x-forwarded-proto", request.url.scheme) == "https" else ""
    return f"{name}={value}; Path={_root(request) or '/'}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}".encode()


def _download(made: Exported) -> Response:
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(made.name)}", "cache-control": "no-store"}
    return Response(made.content, media_type=made.media_type, headers=headers)

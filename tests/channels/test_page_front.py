"""What stands before the page: signing in and out, keys, cookies, uploads and exports, as plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from starlette.requests import Request
from starlette.responses import JSONResponse

from channels.page.accounts import Account, Gate, hash_password
from channels.page.export import Exported
from channels.page.front import Front, House
from channels.page.signin import COOKIE, SignIn, session_secret
from channels.page.uploads import Uploads
from channels.page.visitors import COOKIE as VISITOR
from channels.page.visitors import USER_KEY
from channels.state.keys import ApiKeys
from kb.settings import Settings

PASSWORD = "correct horse"
KEY = "0123456789abcdef"


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """Stands for the page: says who asked for what."""
    request = Request(scope, receive)
    await JSONResponse({"user": request.scope[USER_KEY], "path": scope["path"]})(scope, receive, send)


class Site:
    """Requests to a `Front`, with the cookies of one browser."""

    def __init__(self, house: House) -> None:
        self.app: Any = Front(inner, house)
        self.cookies: dict[str, str] = {}

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://site", cookies=self.cookies) as client:
                return await client.request(method, path, **options)

        with start_blocking_portal() as portal:
            response = portal.call(ask)
        self.cookies.update(response.cookies)
        return response


@pytest.fixture(scope="module")
def accounts() -> dict[str, Account]:
    return {"li": Account("li", "reader", hash_password(PASSWORD)), "han": Account("han", "maintainer", hash_password("battery staple"))}


@pytest.fixture
def gate(accounts: dict[str, Account]) -> Gate:
    return Gate(dict(accounts))


@pytest.fixture
def site(gate: Gate, tmp_path: Path) -> Iterator[Site]:
    keys = ApiKeys.read(f"ci:{KEY}")

    def exports(id_: str, owner: str, kind: str) -> Exported | None:
        return Exported(f"报告.{kind}", "text/markdown", owner.encode()) if id_ == "mine" else None

    yield Site(House("zh", SignIn(gate, keys, b"s" * 32), exports, gate.is_maintainer, Uploads(tmp_path, (".md",))))


PAGE = {"accept": "text/html"}


def sign_in(site: Site, name: str, password: str, **headers: str) -> httpx.Response:
    return site("POST", "/login", data={"username": name, "password": password}, headers={**PAGE, **headers})


def test_who_is_not_signed_in_is_led_to_the_login_page_and_programs_are_refused(site: Site) -> None:
    led = site("GET", "/", headers=PAGE)
    assert (led.status_code, led.headers["location"]) == (303, "/login")
    assert site("GET", "/config").status_code == 401 and site("POST", "/gradio_api/queue/join").status_code == 401
    page = site("GET", "/login")
    assert page.status_code == 200 and "用户名" in page.text and "Sign in" in page.text and page.text.count("<script>") == 1
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_a_right_password_opens_the_page_and_signing_out_closes_it(site: Site) -> None:
    done = sign_in(site, "li", PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert "HttpOnly" in done.headers["set-cookie"] and "SameSite=Lax" in done.headers["set-cookie"]
    assert site("GET", "/config").json() == {"user": "li", "path": "/config"}
    assert f"{COOKIE}=; Path=/; Max-Age=0" in site("GET", "/logout").headers["set-cookie"]
    site.cookies.pop(COOKIE)  # as a browser does then
    assert site("GET", "/config").status_code == 401


def test_a_wrong_password_says_so_and_five_of_them_lock_the_name(site: Site) -> None:
    wrong = sign_in(site, "li", "wrong password")
    assert wrong.status_code == 401 and 'role="alert"' in wrong.text
    for _ in range(4):
        sign_in(site, "li", "wrong password")
    assert sign_in(site, "li", PASSWORD).status_code == 401, "the right one has to wait, too"
    assert sign_in(site, "nobody", PASSWORD).status_code == 401


def test_programs_sign_in_without_being_redirected(site: Site) -> None:
    ok = site("POST", "/login", data={"username": "li", "password": PASSWORD})
    assert ok.status_code == 200 and ok.json() == {"success": True}
    assert Site(site.app.house)("POST", "/login", data={"username": "li", "password": "no no no"}).status_code == 400


def test_another_site_can_neither_sign_somebody_in_nor_send_documents(site: Site) -> None:
    assert sign_in(site, "li", PASSWORD, origin="http://evil.invalid").status_code == 403
    sign_in(site, "han", "battery staple")
    for headers in ({"x-advisor": "upload", "origin": "http://evil.invalid"}, {}):
        assert site("PUT", "/documents/a.md", content=b"x", headers=headers).status_code == 405


def test_a_browser_that_hides_the_origin_of_our_own_page_may_sign_in(site: Site) -> None:
    assert site("POST", "/login", data={"username": "li", "password": PASSWORD}, headers={**PAGE, "origin": "null"}).status_code == 403
    ours = {**PAGE, "origin": "null", "sec-fetch-site": "same-origin"}
    assert site("POST", "/login", data={"username": "li", "password": PASSWORD}, headers=ours).status_code == 303


def test_a_session_ends_with_a_new_password_a_removed_account_and_its_time(site: Site, gate: Gate) -> None:
    sign_in(site, "li", PASSWORD)
    house = site.app.house
    later = SignIn(gate, house.sign_in.keys, house.sign_in.secret, now=lambda: 4e9)
    assert later.user_of(site.cookies, "") is None
    other = SignIn(gate, house.sign_in.keys, b"t" * 32)
    assert other.user_of(site.cookies, "") is None
    gate.accounts["li"] = Account("li", "reader", hash_password("another one"))
    assert site("GET", "/config").status_code == 401
    del gate.accounts["li"]
    assert site("GET", "/config").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "bGk.9999999999." + "0" * 64, "....", "A" * 5000, "a.1.é"])
def test_a_forged_cookie_opens_nothing(site: Site, cookie: str) -> None:
    assert site.app.house.sign_in.user_of({COOKIE: cookie}, "") is None


def test_a_key_lets_a_program_in_and_a_wrong_one_does_not(site: Site) -> None:
    assert site("GET", "/config", headers={"authorization": f"Bearer {KEY}"}).json()["user"] == "key:ci"
    assert site("GET", "/config", headers={"authorization": "Bearer 0123456789abcdeX"}).status_code == 401


def test_only_maintainers_send_documents_and_the_frameworks_own_uploads_are_shut(site: Site) -> None:
    sent = {"x-advisor": "upload"}
    assert site("PUT", "/documents/a.md", content=b"x", headers=sent).status_code == 401
    sign_in(site, "li", PASSWORD)
    assert site("PUT", "/documents/a.md", content=b"x", headers=sent).status_code == 403
    assert site("POST", "/gradio_api/upload", content=b"x").status_code == 403
    assert site("PUT", "/documents/a.md", content=b"x", headers={"authorization": f"Bearer {KEY}", **sent}).status_code == 403
    sign_in(site, "han", "battery staple")
    assert site("POST", "/gradio_api/upload", content=b"x").status_code == 403
    taken = site("PUT", "/documents/%E4%BB%B7.md", content=b"text", headers=sent)
    path = site.app.house.uploads.collect(taken.json()["ticket"])
    assert path.name == "价.md" and path.read_bytes() == b"text"
    refused = site("PUT", "/documents/a.exe", content=b"x", headers=sent)
    assert (refused.status_code, refused.json()["key"]) == (422, "upload_kind")


def test_an_export_is_the_owners_and_nobody_elses(site: Site) -> None:
    assert site("GET", "/conversation/mine.md").status_code == 401
    sign_in(site, "li", PASSWORD)
    mine = site("GET", "/conversation/mine.md")
    assert mine.content == b"account:li" and "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.md" in mine.headers["content-disposition"]
    assert [site("GET", f"/conversation/{name}").status_code for name in ("theirs.md", "mine.exe", "mine")] == [404] * 3


def test_without_accounts_a_browser_gets_a_secret_of_its_own_and_keeps_it() -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<html><head></head></html>"})

    site = Site(House())
    site.app.app = page
    first = site("GET", "/")
    secret = site.cookies[VISITOR]
    assert len(secret) >= 40 and "HttpOnly" in first.headers["set-cookie"]
    assert "set-cookie" not in site("GET", "/").headers and site.cookies[VISITOR] == secret
    other = Site(House())
    other.app.app = page
    other("GET", "/")
    assert other.cookies[VISITOR] != secret


def test_the_servers_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    secret = session_secret(Settings(home=tmp_path))
    assert session_secret(Settings(home=tmp_path)) == secret and len(secret) == 32
    assert (tmp_path / "session.key").stat().st_mode & 0o077 == 0
    given = Settings(home=tmp_path / "other", session_secret="shared")  # type: ignore[arg-type]
    assert session_secret(given) == session_secret(given) != secret and not (tmp_path / "other").exists()

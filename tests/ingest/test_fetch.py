"""Fetching one page: what is got, and everywhere a name must not lead. The server is a real one on loopback."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ingest.errors import FetchError, ForbiddenAddressError, TooLargeError
from ingest.fetch import fetch_document, fetch_url, is_public

PAGE = "<html><head><title>价格页</title></head><body><p>冬青模型每百万词元收费二元五角，长期有效。</p></body></html>"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/loop":
            self._send(302, b"", {"Location": "/loop"})
        elif path == "/moved":
            self._send(301, b"", {"Location": "/page"})
        elif path == "/inside":
            self._send(302, b"", {"Location": f"http://169.254.169.254:{self.server.server_address[1]}/latest"})
        elif path == "/file":
            self._send(302, b"", {"Location": "file:///etc/passwd"})
        elif path == "/large":
            self._send(200, b"x" * 300_000, {"Content-Type": "text/plain"})
        elif path == "/bomb":
            self._send(200, gzip.compress(b"x" * 30_000_000), {"Content-Type": "text/plain", "Content-Encoding": "gzip"})
        elif path == "/slow":
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(100):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                pass
        elif path in ("/page", "/价格".encode().decode("latin-1"), "/%E4%BB%B7%E6%A0%BC"):
            self._send(200, gzip.compress(PAGE.encode("gbk")), {"Content-Type": "text/html; charset=gbk", "Content-Encoding": "gzip"})
        else:
            self._send(404, b"none", {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_a_page_is_fetched_unpacked_and_parsed(server: str) -> None:
    data, document = fetch_document(f"{server}/moved?x=1", allow_private=True)
    assert data.decode("gbk") == PAGE
    assert document.source == f"{server}/moved?x=1"
    assert document.blocks[-1].text == "冬青模型每百万词元收费二元五角，长期有效。"
    assert document.metadata["fetch_date"]


def test_a_path_in_chinese_is_quoted(server: str) -> None:
    assert fetch_url(f"{server}/价格", allow_private=True).charset == "gbk"


def test_this_machine_is_refused_unless_allowed(server: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="this machine or a private network"):
        fetch_url(f"{server}/page")
    with pytest.raises(ForbiddenAddressError):
        fetch_url(server.replace("127.0.0.1", "localhost"))


def test_a_name_that_leads_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.8")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(ForbiddenAddressError, match=r"10\.0\.0\.8"):
        fetch_url("http://innocent.example/")


def test_a_redirect_to_a_private_address_is_refused(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest import fetch

    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.1" or is_public(address))
    with pytest.raises(ForbiddenAddressError, match=r"169\.254\.169\.254"):
        fetch_url(f"{server}/inside")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/x", "/etc/passwd", "http://", "http://user:pw@a.example/"])
def test_other_schemes_and_credentials_are_refused(url: str) -> None:
    with pytest.raises(FetchError):
        fetch_url(url)


def test_a_redirect_to_a_file_is_refused(server: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="only http and https"):
        fetch_url(f"{server}/file", allow_private=True)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0",
     "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
)  # fmt: skip
def test_addresses_of_this_machine_and_private_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("path", ["/large", "/bomb"])
def test_a_page_beyond_the_size_limit_is_refused_while_it_comes(server: str, path: str) -> None:
    with pytest.raises(TooLargeError, match="larger than"):
        fetch_url(server + path, allow_private=True, max_bytes=200_000)


def test_a_slow_drip_meets_the_time_limit(server: str) -> None:
    with pytest.raises(FetchError, match="no complete answer"):
        fetch_url(f"{server}/slow", allow_private=True, time_limit_s=0.3)


def test_endless_redirects_and_error_pages_are_failures(server: str) -> None:
    with pytest.raises(FetchError, match="more than 5 redirects"):
        fetch_url(f"{server}/loop", allow_private=True)
    with pytest.raises(FetchError, match="404"):
        fetch_url(f"{server}/nothing", allow_private=True)


def test_a_closed_port_is_a_failure_that_names_the_address(server: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(FetchError, match=str(port)):
        fetch_url(f"http://127.0.0.1:{port}/", allow_private=True)

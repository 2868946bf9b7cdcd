"""One page from the web, with limits on size, time and where a name may lead.

The address that was checked is the address that is connected to: a name is resolved once a request, every address it
has must be public (or the caller allows private ones), and the socket is opened to that very address, so that neither a
redirect nor a second DNS answer can lead elsewhere. Proxies of the environment are not used for the same reason.
"""

from __future__ import annotations

import datetime as dt
import http.client
import ipaddress
import re
import socket
import ssl
import time
import zlib
from dataclasses import dataclass, replace
from urllib.parse import quote, urljoin, urlsplit

from ingest.errors import FetchError, ForbiddenAddressError, TooLargeError
from ingest.parse import parse_bytes
from kb.types import Document

MAX_PAGE_BYTES = 32 * 1024 * 1024
TIME_LIMIT_S = 30.0
MAX_REDIRECTS = 5
_CHUNK = 64 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_AGENT = "Mozilla/5.0 (compatible; llm-advisor)"


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched page: its bytes, the address they came from after redirects, and what the server called them."""

    url: str
    data: bytes
    media_type: str
    charset: str | None


def fetch_document(url: str, *, allow_private: bool = False) -> tuple[bytes, Document]:
    """The page's bytes and its parsed form; its source is the address as given, its metadata hold the final one and today's date."""
    page = fetch_url(url, allow_private=allow_private)
    document = parse_bytes(page.data, url, media_type=page.media_type, charset=page.charset)
    today = dt.date.today().isoformat()
    fields = {**document.metadata, "url": document.metadata.get("url", page.url), "fetch_date": today}
    return page.data, replace(document, metadata=fields)


def fetch_url(
    url: str,
    allow_private: bool = False,
    *,
    max_bytes: int = MAX_PAGE_BYTES,
    time_limit_s: float = TIME_LIMIT_S,
    max_redirects: int = MAX_REDIRECTS,
) -> Page:
    """Gets one page. Raises `FetchError` (`ForbiddenAddressError` for a private or local address) or `TooLargeError`."""
    deadline = time.monotonic() + time_limit_s
    current = url
    for _ in range(max_redirects + 1):
        response, connection = _request(current, allow_private, deadline, time_limit_s)
        try:
            if response.status in (301, 302, 303, 307, 308) and response.headers.get("Location"):
                current = urljoin(current, response.headers["Location"].strip())
                continue
            if response.status != 200:
                found = f"{response.status} {response.reason}"
                raise FetchError(f"{current}: the server answered {found}; expected 200. Open the address in a browser to see why")
            data = _read(response, current, max_bytes, deadline, time_limit_s)
            media = response.headers.get("Content-Type", "")
            charset = re.search(r"charset\s*=\s*[\"']?([\w\-]+)", media, re.IGNORECASE)
            return Page(current, data, media.split(";")[0].strip().lower(), charset[1] if charset else None)
        finally:
            connection.close()
    raise FetchError(f"{url}: more than {max_redirects} redirects; expected a page. Give the final address")


def _request(url: str, allow_private: bool, deadline: float, limit_s: float) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as error:
        raise FetchError(f"{url}: this is no address of a page ({error}); expected http://... or https://...") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ForbiddenAddressError(
            f"{url}: only http and https pages are fetched, found {parts.scheme or 'no scheme'!r}; save the file and ingest its path"
        )
    if parts.username or parts.password:
        raise ForbiddenAddressError(
            f"{parts.scheme}://{host}: an address with a user name or password is not fetched; save the page and ingest the file"
        )
    address = _checked_address(host, port, url, allow_private)
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
        f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?[]')}" if parts.query else ""
    )
    connection = http.client.HTTPConnection(host, port, timeout=_left(deadline, url, limit_s))
    try:
        raw: socket.socket = socket.create_connection((address, port), timeout=_left(deadline, url, limit_s))
        connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if parts.scheme == "https" else raw
        default = (parts.scheme, port) in (("http", 80), ("https", 443))
        headers = {"Host": host if default else f"{host}:{port}", "User-Agent": _AGENT, "Accept": "text/html,*/*;q=0.8"}
        connection.request("GET", target, headers={**headers, "Accept-Encoding": "gzip", "Connection": "close"})
        return connection.getresponse(), connection
    except TimeoutError:
        connection.close()
        raise _too_slow(url, limit_s) from None
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise FetchError(f"{url}: the page could not be fetched ({error}); check the address and the network") from None


def _checked_address(host: str, port: int, url: str, allow_private: bool) -> str:
    """The first address of a host, after all of them were found to be public (or private ones are allowed)."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"{url}: the name {host} was not found ({error}); check its spelling and the network") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not allow_private and not is_public(address):
            raise ForbiddenAddressError(
                f"{url}: {host} leads to {address}, which is this machine or a private network; expected a public address. "
                "If that is meant, `--allow-private` allows it"
            )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when it wraps an IPv4 address."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _read(response: http.client.HTTPResponse, url: str, max_bytes: int, deadline: float, limit_s: float) -> bytes:
    """The body, unpacked, while it stays within the limits."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise FetchError(f"{url}: the server sent the encoding {encoding!r}; expected gzip or none. Save the page and ingest the file")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if encoding not in ("", "identity") else None
    parts: list[bytes] = []
    total = 0
    try:
        while True:
            _left(deadline, url, limit_s)
            chunk = response.read1(_CHUNK)  # whatever has come: a slow drip must meet the deadline
            if not chunk:
                break
            while chunk:
                part = unpack.decompress(chunk, _CHUNK * 4) if unpack else chunk
                chunk = unpack.unconsumed_tail if unpack else b""
                total += len(part)
                if total > max_bytes:
                    raise TooLargeError(
                        f"{url}: the page is larger than {max_bytes / 1e6:.0f} MB; download it and ingest the parts that are needed"
                    )
                parts.append(part)
    except TimeoutError:
        raise _too_slow(url, limit_s) from None
    except (OSError, http.client.HTTPException, zlib.error) as error:
        raise FetchError(f"{url}: the transfer broke off ({error}); try again") from None
    return b"".join(parts)


def _left(deadline: float, url: str, limit_s: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _too_slow(url, limit_s)
    return left


def _too_slow(url: str, limit_s: float) -> FetchError:
    return FetchError(f"{url}: no complete answer within {limit_s:.0f} s; try again, or save the page and ingest the file")

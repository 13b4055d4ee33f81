"""The only door to addresses from outside: public ones, whole, small and soon, or a clear error."""

from __future__ import annotations

import asyncio
import re
import socket
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import aiohttp
from yarl import URL

from bot.core.errors import FetchError, Gone, NotPublic, TooBig, Unreachable
from bot.core.news import Validators
from bot.core.ports import Clock, Fetched
from bot.sources.addresses import REFUSED, AddressGuard

MAX_BYTES = 8 * 1024 * 1024
MAX_REDIRECTS = 5
LONGEST_WAIT_S = 86400.0
SEC_PAUSE_S = 0.5
_CHUNK = 65536
_MOVES = (301, 302, 303, 307, 308)
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/json;q=0.9, */*;q=0.8"
_ODD = re.compile(r"[\x00-\x20\x7f\\]|^[^:/?#]+:(?!//)")


class SafeFetcher:
    """Implements ports.Fetcher over one aiohttp session. Use and close it in one event loop."""

    def __init__(
        self,
        clock: Clock,
        *,
        allow_networks: Sequence[str] = (),
        timeout_s: float = 20.0,
        max_bytes: int = MAX_BYTES,
        concurrency: int = 50,
        per_host: int = 2,
        contact: str = "",
    ) -> None:
        """contact: e-mail address named in the User-Agent; sec.gov refuses readers that name none."""
        self._clock = clock
        self._guard = AddressGuard(allow_networks)
        self._timeout = timeout_s
        self._max_bytes = max_bytes
        self._contact = contact
        agent = f"Tocsin/0.1 ({contact})" if contact else "Tocsin/0.1 (feed reader)"
        self._headers = {"User-Agent": agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"}
        self._concurrency = concurrency
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(per_host))
        self._sec_next = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, validators: Validators = Validators(), *, form: str = "") -> Fetched:
        """See ports.Fetcher."""
        try:
            return await self._follow(_checked(url), validators, form)
        except TimeoutError:
            raise Unreachable(f"no whole answer within {self._timeout:g} s") from None
        except FetchError:
            raise
        except aiohttp.ClientError as error:
            raise _explained(error) from None
        except (OSError, ValueError, zlib.error) as error:
            raise _broken(error) from None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """POST to an address an operator named; the body of a 200 answer, at most the limit. Raises FetchError."""
        try:
            timeout = aiohttp.ClientTimeout(total=self._timeout)
            async with self._ready().post(
                _checked(url), data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                if answer.status != 200:
                    raise _refusal(answer.status, "", self._clock.now())
                return await self._body(answer)
        except TimeoutError:
            raise Unreachable(f"no whole answer within {self._timeout:g} s") from None
        except aiohttp.ClientError as error:
            raise _explained(error) from None
        except (OSError, ValueError, zlib.error) as error:
            raise _broken(error) from None

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def _follow(self, url: URL, validators: Validators, form: str) -> Fetched:
        permanent, at, left_s = True, url, self._timeout
        for _ in range(MAX_REDIRECTS + 1):
            async with self._turns[at.host or ""]:
                if (at.host or "").endswith("sec.gov"):
                    await self._be_polite(at)
                started = self._clock.monotonic()  # waiting for one's turn at a busy host is nobody's fault
                moved, answer = await self._once(at, validators, form, left_s)
                left_s = max(0.001, left_s - (self._clock.monotonic() - started))
            if moved is None:
                assert answer is not None
                return answer if at == url or not permanent else _with_permanent(answer, str(at))
            status, location = moved
            target = _checked(location, at)
            if at.scheme == "https" and target.scheme == "http":
                raise NotPublic("a redirect from https to http is not followed")
            permanent = permanent and status in (301, 308)
            if status == 303:
                form = ""
            at = target
        raise Unreachable(f"more than {MAX_REDIRECTS} redirects")

    async def _once(
        self, url: URL, validators: Validators, form: str, within_s: float
    ) -> tuple[tuple[int, str] | None, Fetched | None]:
        headers = self._conditional(validators) or None
        data = form.encode() if form else None
        if data:
            headers = {**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"}
        session = self._ready()
        async with session.request(
            "POST" if data else "GET",
            url,
            headers=headers,
            data=data,
            allow_redirects=False,
            timeout=_within(within_s),
        ) as response:
            status, got = response.status, response.headers
            if status in _MOVES and "Location" in got:
                return (status, got["Location"]), None
            if status == 304:
                return None, Fetched(status=304, url=str(url), validators=validators)
            if status != 200:
                raise _refusal(status, got.get("Retry-After", ""), self._clock.now())
            body = await self._body(response)
        wait = got.get("Retry-After")
        etag, modified = got.get("ETag", "")[:512], got.get("Last-Modified", "")[:128]
        return None, Fetched(
            status=200,
            url=str(url),
            body=body,
            headers=got,
            validators=Validators(etag=etag, last_modified=modified, body_hash=sha256(body).hexdigest()[:32]),
            retry_after_s=retry_after(wait, self._clock.now()) if wait else None,
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """The decoded body within the limit. aiohttp leaves decoding to us, so that a bomb is met a chunk at a time."""
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Unreachable(f"the content-encoding {encoding[:40]!r} was not asked for")
        length = response.content_length
        if encoding in ("", "identity") and length is not None and length <= self._max_bytes:
            return await response.read()
        inflate: Any = None
        parts: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_chunked(_CHUNK):
            if encoding not in ("", "identity"):
                inflate = inflate or _inflater(encoding, chunk)
                chunk = inflate.decompress(chunk, self._max_bytes + 1 - size)
            size += len(chunk)
            if size > self._max_bytes:
                raise TooBig(f"the body is larger than {self._max_bytes // 1024 // 1024} MiB")
            parts.append(chunk)
        if inflate is not None and not inflate.eof:
            raise Unreachable("the compressed body is cut off")
        return b"".join(parts)

    def _conditional(self, validators: Validators) -> dict[str, str]:
        headers = {}
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        return headers

    async def _be_polite(self, url: URL) -> None:
        """sec.gov counts ten requests a second for a whole site, and refuses readers who do not say who they are."""
        host = url.host or ""
        if host != "sec.gov" and not host.endswith(".sec.gov"):
            return
        if not self._contact:
            raise Unreachable(
                "sec.gov wants to know who reads it: set fetch.contact in tocsin.yaml to your e-mail address"
            )
        now = self._clock.monotonic()
        self._sec_next = max(self._sec_next, now) + SEC_PAUSE_S
        await self._clock.sleep(self._sec_next - SEC_PAUSE_S - now)

    def _ready(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._concurrency, limit_per_host=0, socket_factory=self._socket, ttl_dns_cache=60
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _socket(self, info: Any) -> socket.socket:
        """Called with the address about to be connected to: the one place no name or literal can get around."""
        family, kind, proto, _, address = info
        self._guard.check(str(address[0]), int(address[1]))
        return socket.socket(family=family, type=kind, proto=proto)


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds a server asks us to wait, clamped to a day; None when it says nothing readable."""
    value = value.strip()
    if not value:
        return None
    if re.fullmatch(r"\d{1,15}", value):
        return min(float(value), LONGEST_WAIT_S)
    if re.fullmatch(r"-\d+", value):
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT_S)


@lru_cache(maxsize=16)
def _within(seconds: float) -> aiohttp.ClientTimeout:
    # Nothing is rounded up to whole seconds: what is left after redirects may be little.
    return aiohttp.ClientTimeout(total=seconds, ceil_threshold=seconds + 1)


@lru_cache(maxsize=4096)
def _checked(url: str, base: URL | None = None) -> URL:
    """One parser for every address, also those of redirects. Raises NotPublic."""
    if len(url) > 4096 or _ODD.search(url if base is None else url.partition("?")[0].replace(" ", "")):
        raise NotPublic("this is no plain http(s) address")
    try:
        parsed = base.join(URL(url)) if base else URL(url)
        port = parsed.port
    except ValueError:
        raise NotPublic("this is no plain http(s) address") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or not port:
        raise NotPublic("only http:// and https:// addresses are read")
    if parsed.user is not None or parsed.password is not None:
        raise NotPublic("an address must not carry a name or password")
    return parsed.with_fragment(None)


def _inflater(encoding: str, start: bytes) -> Any:
    if encoding != "deflate":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    # Some servers send raw deflate, some wrap it in zlib as the standard says.
    wrapped = len(start) >= 2 and start[0] & 0x0F == 8 and (start[0] * 256 + start[1]) % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)


def _with_permanent(answer: Fetched, url: str) -> Fetched:
    return replace(answer, permanent_url=url)


_REASONS: Mapping[int, str] = {
    401: "it asks for a log-in",
    403: "it refuses this reader",
    404: "there is nothing at this address",
    406: "it does not serve this to feed readers",
    429: "it asks us to come less often",
    451: "it is not available here for legal reasons",
    500: "the server has a fault",
    502: "the server behind it has a fault",
    503: "the server is overloaded or closed for now",
    504: "the server behind it is too slow",
}


def _refusal(status: int, wait: str, now: datetime) -> FetchError:
    if status == 410:
        return Gone("the feed is gone for good (HTTP 410)", status=410)
    words = _REASONS.get(status, "an answer we cannot use")
    return Unreachable(f"{words} (HTTP {status})", status=status, retry_after_s=retry_after(wait, now))


def _explained(error: aiohttp.ClientError) -> FetchError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NotPublic):
            return NotPublic(str(cause))
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable("the host name cannot be resolved")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Unreachable(f"its TLS certificate is not valid: {_verdict(error.certificate_error)}")
    if isinstance(error, aiohttp.ClientSSLError):
        return Unreachable("no TLS connection could be made")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreachable("the server does not take the connection")
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | aiohttp.ClientOSError):
        return Unreachable("the server cut the connection before the end")
    if isinstance(error, aiohttp.InvalidURL):
        return NotPublic(REFUSED)
    return Unreachable("the answer is no proper HTTP")


def _verdict(error: Exception) -> str:
    return str(getattr(error, "verify_message", "") or "it cannot be verified")


def _broken(error: Exception) -> FetchError:
    if isinstance(error, zlib.error):
        return Unreachable("the body is not compressed as its content-encoding says")
    reason = error.strerror if isinstance(error, OSError) else ""
    return Unreachable(f"the connection failed: {reason or 'the answer is malformed'}")

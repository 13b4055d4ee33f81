"""Names that stay the same when publishers change everything else: canonical links, entry keys, short ids."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_TRACKING = re.compile(
    r"^(utm_.*|at_(medium|campaign|custom.*|link.*|ptr.*|bbc.*|format)|ktm_.*|mc_(cid|eid)|ga_.*|pk_.*|piwik_.*|hsa_.*|oly_.*|vero_.*"
    r"|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|igshid|twclid|ttclid|li_fat_id|_hsenc|_hsmi|mkt_tok|cmpid|cmp|ncid"
    r"|ito|ocid|smid|sref|srnd|sh|guccounter|guce_.*|spm|scm|share_token|share_from|chksm|from_source|feature|s_cid|xtor"
    r"|traffic_source|trk|trkcampaign|taid|partner|output|rss|module|pgtype|partner_code|campaign_id)$",
    re.IGNORECASE,
)
# Words that mean tracking only with these values, or only on these hosts; elsewhere they may name the article.
_TRACKING_VALUES = {
    ("f", "rss"),
    ("from", "rss"),
    ("source", "rss"),
    ("ref", "rss"),
    ("src", "rss"),
    ("mod", "rss"),
}
_TRACKING_ON_HOST = {
    "36kr.com": {"f"},
    "scmp.com": {"module", "pgtype"},
    "mp.weixin.qq.com": {"scene", "subscene", "sessionid"},
}
_NEVER_TRACKING_ON_HOST = {"mp.weixin.qq.com": {"__biz", "mid", "idx", "sn"}}
_WRAPPERS = (
    (re.compile(r"^(www\.)?google\.[a-z.]+$"), "/url", ("url", "q")),
    (re.compile(r"^(www\.)?bing\.com$"), "/news/apiclick.aspx", ("url",)),
    (re.compile(r"^news\.url\.google\.com$"), "/url", ("url", "q")),
    (re.compile(r"^(l|lm)\.facebook\.com$"), "/l.php", ("u",)),
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SHORT = "0123456789abcdefghijklmnopqrstuvwxyz"


def canonical_url(url: str) -> str:
    """The same article's address however it was linked: https, lower-case host without `www.`, no fragment,
    no tracking parameters, no trailing slash, parameters sorted, known redirect wrappers taken off.

    Returns "" for anything that is not http(s) with a host. Only for comparing; show and fetch the original.
    """
    for _ in range(3 if "?" in url else 0):  # a wrapper carries the address as a parameter
        inner = _unwrap(url)
        if inner == url:
            break
        url = inner
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme.lower() not in _DEFAULT_PORTS or not host:
        return ""
    host = host.removeprefix("www.")
    path = unquote(parts.path)
    if "//" in path:
        path = re.sub(r"/{2,}", "/", path)
    path = path.rstrip("/")
    if "/index." in path:
        path = re.sub(r"/(index\.(html?|php|shtml))$", "", path)
    keep = []
    if parts.query:
        given = parse_qsl(parts.query, keep_blank_values=True)
        keep = sorted((k, v) for k, v in given if not _is_tracking(host, k, v))
    netloc = host if port in (None, *_DEFAULT_PORTS.values()) else f"{host}:{port}"
    return f"https://{netloc}{path}" + (f"?{urlencode(keep)}" if keep else "")


def _unwrap(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    host = (parts.hostname or "").lower()
    for hosts, path, names in _WRAPPERS:
        if hosts.match(host) and parts.path == path:
            query = dict(parse_qsl(parts.query))
            for name in names:
                if query.get(name, "").startswith(("http://", "https://")):
                    return query[name]
    return url


def _is_tracking(host: str, name: str, value: str) -> bool:
    if name in _NEVER_TRACKING_ON_HOST.get(host, ()):
        return False
    return (
        bool(_TRACKING.match(name))
        or (name.lower(), value.lower()) in _TRACKING_VALUES
        or name in _TRACKING_ON_HOST.get(host, ())
    )


def entry_keys(
    *, outlet: str, url: str, guid: str, title: str, day: datetime | None, shared_guid: bool
) -> tuple[str, ...]:
    """Every key of an entry, its identity first: canonical link, else guid, else hash of outlet, title and day.

    shared_guid: several entries of this reading carry the same guid, so it names none of them.
    Keys of links are the same in every feed; guids and titles are told apart by outlet.
    """
    keys = []
    link = canonical_url(url)
    if link:
        keys.append(link)
    guid = guid.strip()
    if guid and not shared_guid and not (link and guid == url):
        as_link = "" if "#" in guid else canonical_url(guid)  # a fragment may be all that tells entries apart
        keys.append(as_link or f"guid:{outlet}:{guid}")
    if not keys:
        stamp = day.date().isoformat() if day else ""
        folded = " ".join(unicodedata.normalize("NFKC", title).casefold().split())
        keys.append(f"title:{outlet}:{digest(folded, stamp)}")
    return tuple(dict.fromkeys(keys))


def digest(*parts: str) -> str:
    """32 hex digits that name these parts, in this order."""
    return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def key_number(key: str) -> int:
    """A positive 63-bit number for a key: TinyDB's doc_id, so that a look-up needs no scan."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1 or 1


def story_id(key: str, taken: Iterable[str] = ()) -> str:
    """A short id of 6 characters 0-9a-z, the same for the same key unless it is taken."""
    used = set(taken)
    for salt in range(1000):
        number = int.from_bytes(
            blake2b(f"{salt}:{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
        )
        chars = []
        for _ in range(6):
            number, rest = divmod(number, 36)
            chars.append(_SHORT[rest])
        short = "".join(chars)
        if short not in used:
            return short
    raise AssertionError("36**6 short ids are in use")


def delivery_key(chat_id: str, story: str, revision: int, act: str) -> str:
    """Idempotency key of one delivery: 26 characters of 0-9a-z."""
    raw = blake2b(f"{chat_id}\x1f{story}\x1f{revision}\x1f{act}".encode(), digest_size=16).digest()
    return base64.b32encode(raw).decode().rstrip("=").lower()

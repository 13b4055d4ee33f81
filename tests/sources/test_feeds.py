"""Documents of every kind through the whole reader, the worker process included; real ones where they are at hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter

import feedparser
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.errors import FetchError, NotAFeed
from bot.core.news import Feed, FeedState, Kind, Reading
from bot.core.ports import Fetched
from bot.sources.reader import FeedReader
from bot.sources.worker import FeedWorker
from tests.fakes.clock import START, VirtualClock

SHARED = Path(__file__).resolve().parents[3] / "shared"
DOCUMENTS = [*sorted((SHARED / "feeds").glob("*.*")), *sorted((SHARED / "sources" / "samples").glob("*.*"))]


class Served:
    """A fetcher that has one body."""

    def __init__(self, body: bytes, content_type: str = "") -> None:
        self.body = body
        self.headers = {"content-type": content_type} if content_type else {}

    async def get(self, url: str, *_: object, **__: object) -> Fetched:
        return Fetched(status=200, url=url, body=self.body, headers=self.headers)

    async def close(self) -> None:
        """Nothing is open."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[FeedWorker]:
    made = FeedWorker()
    yield made
    await made.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def read(worker: FeedWorker, body: bytes | str, **options: object) -> Reading:
    content_type = str(options.pop("content_type", ""))
    raw = body.encode() if isinstance(body, str) else body
    feed = Feed(id="f", url="https://outlet.example/feed", name="Outlet", **options)  # type: ignore[arg-type]
    reader = FeedReader(Served(raw, content_type), worker, VirtualClock())
    return await reader.read(feed, FeedState(feed_id="f", next_check=START))


ITEM = "<title>Didi fined &amp; delisted</title><link>https://outlet.example/a</link>"
BODY = "<description>&lt;p&gt;Body.&lt;/p&gt;</description>"
RSS = f'<rss version="2.0"><channel><title>t</title><item>{ITEM}{BODY}</item></channel></rss>'
KINDS = {
    "rss 2.0": RSS,
    "rss 0.91": RSS.replace("2.0", "0.91"),
    "rss 1.0": f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    f'<channel rdf:about="x"><title>t</title></channel><item rdf:about="https://outlet.example/a">{ITEM}'
    "<description>Body.</description></item></rdf:RDF>",
    "atom": '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>urn:1</id>'
    '<title type="html">Didi fined &amp;amp; delisted</title><link href="/a"/><summary>Body.</summary></entry></feed>',
    "json feed": json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "t",
            "items": [
                {"id": "1", "url": "https://outlet.example/a", "title": "Didi fined & delisted", "summary": "Body."}
            ],
        }
    ),
    "not well-formed": RSS.replace("&amp;", "&").replace("</channel>", ""),
    "a blank before the declaration": '\n <?xml version="1.0"?>' + RSS,
    "an entity of HTML": RSS.replace("fined", "fined&nbsp;"),
    "a wrong declaration": '<?xml version="1.0" encoding="utf-16"?>' + RSS,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_kinds_of_feeds(worker: FeedWorker, kind: str) -> None:
    (entry,) = (await read(worker, KINDS[kind])).entries
    assert " ".join(entry.title.split()) == "Didi fined & delisted"
    assert entry.url == "https://outlet.example/a"
    assert "Body." in entry.body


async def test_a_page_that_lists_its_news(worker: FeedWorker) -> None:
    page = """<html><body><ul id="l">
      <li><h5><a href="//www.outlet.example/2022-07/21/c_1.htm" title="国家网信办对滴滴作出处罚">国家网信办…</a></h5>
        <div class="times">2022-07-21</div></li>
      <li><h5><a href="/b.htm">第二条</a></h5><div class="times">2022年7月20日</div></li></ul></body></html>"""
    options = {"item": "#l li", "title": "h5 a", "link": "h5 a@href", "date": ".times"}
    found = (await read(worker, page, kind=Kind.HTML, zone="Asia/Shanghai", options=options)).entries
    assert [e.url for e in found] == ["https://www.outlet.example/2022-07/21/c_1.htm", "https://outlet.example/b.htm"]
    assert [e.published.date().isoformat() for e in found if e.published] == ["2022-07-20", "2022-07-19"]
    whole = options | {"title": "h5 a@title"}
    assert (await read(worker, page, kind=Kind.HTML, options=whole)).entries[0].title == "国家网信办对滴滴作出处罚"
    with pytest.raises(NotAFeed):
        await read(worker, page, kind=Kind.HTML, options=options | {"item": ".nothing"})


async def test_rows_of_json(worker: FeedWorker) -> None:
    body = json.dumps({"data": {"rows": [{"t": "证监会备案", "u": "/x", "d": "2022-07-21 10:00", "id": 7}]}})
    options = {"items": "data.rows", "title": "t", "link": "u", "date": "d", "id": "id"}
    (entry,) = (await read(worker, body, kind=Kind.JSON, zone="Asia/Shanghai", options=options)).entries
    assert (entry.title, entry.url) == ("证监会备案", "https://outlet.example/x")
    assert entry.published
    assert entry.published.isoformat() == "2022-07-21T02:00:00+00:00"
    for wrong in ('{"data": null}', "[1, 2]", '{"code": 403, "message": "denied"}', "not json", ""):
        with pytest.raises(NotAFeed):
            await read(worker, wrong, kind=Kind.JSON, options=options)


async def test_half_a_character_spoils_one_letter_and_not_the_list(worker: FeedWorker) -> None:
    body = '[{"title": "Didi fined \\ud83d", "link": "https://a.example/1"}, {"title": "b", "link": "https://a.example/2"}]'
    found = await read(worker, body, kind=Kind.JSON, options={"items": "", "title": "title", "link": "link"})
    assert [e.title for e in found.entries] == ["Didi fined \ufffd", "b"]


async def test_half_a_character_spoils_one_letter_and_not_the_feed(worker: FeedWorker) -> None:
    item = '{"id": "%d", "url": "https://a.example/%d", "title": "%s"}'
    items = ", ".join(item % (n, n, title) for n, title in enumerate(("a \\ud83d b", "\\ud83d\\ude00", "\\\\ud83d")))
    found = await read(worker, '{"version": "https://jsonfeed.org/version/1.1", "items": [' + items + "]}")
    assert [e.title for e in found.entries] == ["a \ufffd b", "😀", "\\ud83d"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "   \n",
        "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>",
        '{"code": 403, "message": "denied"}',
        "plain text",
        "<html><body>404</body></html>",
        "%PDF-1.4 binary",
        "\x00\x01\x02",
        "<?xml version='1.0'?><svg/>",
    ],
)
async def test_what_is_no_feed_is_said_to_be_none(worker: FeedWorker, body: str) -> None:
    with pytest.raises(NotAFeed) as caught:
        await read(worker, body)
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "not a feed (an image)"),
        (b"GIF89a" + bytes(40), "not a feed (an image)"),
        (b"%PDF-1.7 \xff\xfe", "not a feed (a PDF)"),
        (b'<?xml version="1.0" encoding="UTF-7"?>' + RSS.replace("Didi", "+f1F35A-").encode(), "UTF-7"),
    ],
)
async def test_what_came_is_named(worker: FeedWorker, body: bytes, said: str) -> None:
    with pytest.raises(NotAFeed) as caught:
        await read(worker, body)
    assert said in str(caught.value)


REFERENCES = {
    "two halves": ("&#55357;&#56832;", "\U0001f600"),
    "two halves in hexadecimal": ("&#xD83D;&#xde00;", "\U0001f600"),
    "a half alone": ("&#55357;", "\ufffd"),
    "the halves the wrong way round": ("&#56832;&#55357;", "\ufffd\ufffd"),
    "halves apart": ("&#55357; &#56832;", "\ufffd \ufffd"),
    "beyond Unicode": ("&#x110000;", "\ufffd"),
    "far beyond": ("&#" + "9" * 5000 + ";", "\ufffd"),
    "with zeros in front": ("&#00000000020013;", "中"),
    "escaped twice": ("&amp;#55357;&amp;#56832;", "\U0001f600"),
}


@pytest.mark.parametrize("loose", ["", "<unclosed>"], ids=["well-formed", "not well-formed"])
@pytest.mark.parametrize("name", REFERENCES)
async def test_a_reference_to_no_character_costs_no_entry(worker: FeedWorker, name: str, loose: str) -> None:
    written, shown = REFERENCES[name]
    item = f"<title>Emoji {written} story</title><link>https://outlet.example/a</link>{loose}"
    other = "<item><title>Next</title><link>https://outlet.example/b</link></item>"
    body = f'<rss version="2.0"><channel><title>t</title><item>{item}</item>{other}</channel></rss>'
    found = (await read(worker, body)).entries
    assert [e.title for e in found] == [f"Emoji {shown} story", "Next"]


async def test_a_long_document_of_references_is_read_by_the_worker(worker: FeedWorker) -> None:
    body = RSS.replace("Body.", "&#55357;&#56832;" * 20_000)
    (entry,) = (await read(worker, body)).entries
    assert "\U0001f600" in entry.body


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
ATTACKS = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]>' + RSS.replace("Didi", "&l11;"),
    "external entity": '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    + RSS.replace("Didi", "&x;"),
    "deep nesting": "<rss><channel><item>" + "<a>" * 50_000,
    "many attributes": "<rss " + " ".join(f'a{n}="{n}"' for n in range(20_000)) + "><channel/></rss>",
    "NUL bytes": RSS.replace("Didi", "Di\x00di"),
    "an endless title": RSS.replace("Didi", "D" * 2_000_000),
    "many entries": RSS.replace(
        "<item>", "<item><title>x</title><link>https://e.com/y</link></item>" * 30_000 + "<item>"
    ),
}


FLOOD = "<item><title>t</title><description>" + "&lt;!--" * 9_300 + "</description></item>"
FLOODS = {
    "rows in rows": (Kind.HTML, "<html><ul id=l>" + "<li><div>" * 20_000, "longer than"),
    "comments that never end": (Kind.HTML, "<html><ul id=l><li><div>" + "<!--" * 100_000, "no row"),
    "links that never end": (Kind.FEED, "<html>" + "<link " * 100_000, "a web page came"),
    "comments in every entry": (Kind.FEED, RSS.replace("<item>", FLOOD * 60 + "<item>"), ""),
}


@contextlib.asynccontextmanager
async def unhindered() -> AsyncIterator[None]:
    """Fails when somebody else in the loop had to wait for a second: a hostile document takes many."""

    async def wait() -> None:
        while True:
            before = perf_counter()
            await asyncio.sleep(0.01)
            waits.append(perf_counter() - before)

    waits: list[float] = []
    waiting = asyncio.create_task(wait())
    yield
    await asyncio.sleep(0.02)
    waiting.cancel()
    assert max(waits) < 1.0


@pytest.mark.parametrize("flood", FLOODS)
async def test_nothing_that_is_read_holds_up_the_rest(worker: FeedWorker, flood: str) -> None:
    kind, body, refused = FLOODS[flood]
    options = {"item": "#l li", "title": "div", "link": "a@href"} if kind is Kind.HTML else {}
    async with unhindered():
        if refused:
            with pytest.raises(NotAFeed, match=refused):
                await read(worker, body, kind=kind, options=options)
        else:
            assert len((await read(worker, body, kind=kind, options=options)).entries) == 2
    assert len((await read(worker, RSS)).entries) == 1, "the next feed is read"


@pytest.mark.parametrize("attack", ATTACKS)
async def test_attacks_end_in_entries_or_an_error(worker: FeedWorker, attack: str) -> None:
    try:
        found = (await read(worker, ATTACKS[attack])).entries
    except FetchError:
        found = ()
    assert not any("root:" in e.title + e.body for e in found)
    assert all(len(e.title) <= 2000 and len(e.body) <= 8000 for e in found)
    assert len((await read(worker, RSS)).entries) == 1, "the next feed is read"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda t: RSS.replace("Didi", t).encode())))
async def test_any_bytes_are_entries_or_an_error(worker: FeedWorker, body: bytes) -> None:
    with contextlib.suppress(FetchError):
        await read(worker, body)


async def test_a_title_alone_is_an_entry(worker: FeedWorker) -> None:
    body = "<rss version='2.0'><channel><item><title>网信办处罚滴滴</title></item><item></item></channel></rss>"
    (entry,) = (await read(worker, body)).entries
    assert (entry.title, entry.url) == ("网信办处罚滴滴", "")


async def test_the_same_guid_twice_is_two_entries_when_links_differ(worker: FeedWorker) -> None:
    two = "".join(
        f"<item><title>{n}</title><link>https://e.com/{n}</link><guid>same</guid></item>" for n in ("one", "two")
    )
    found = (await read(worker, f"<rss version='2.0'><channel>{two}</channel></rss>")).entries
    assert len({e.key for e in found}) == 2
    assert not set(found[0].aliases) & set(found[1].aliases)


@pytest.mark.skipif(not DOCUMENTS, reason="the real documents are not part of the repository")
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
async def test_real_documents_yield_their_entries(worker: FeedWorker, path: Path) -> None:
    """As many as feedparser finds titles with links, or a clear error where it finds none."""
    body = path.read_bytes()
    if path.suffix == ".json":
        pytest.skip("a list of JSON needs its feed's options")
    theirs = {e.get("title", "") for e in feedparser.parse(body).entries if e.get("title") and e.get("link")}
    if not theirs:
        with contextlib.suppress(NotAFeed):
            await read(worker, body)
        return
    ours = (await read(worker, body)).entries
    assert len({e.title for e in ours}) >= min(len(theirs), 500) * 0.98
    assert all(e.title and e.key for e in ours)

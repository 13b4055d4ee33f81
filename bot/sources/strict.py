"""The quick reader of well-formed RSS and Atom: lxml without recovery; what it is unsure of is left to feedparser."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from bot.sources.raw import MAX_FIELD, MAX_ITEMS, RawFeed, RawItem

MAX_CHARS = 128 * 1024
"""Longest document read on the event loop; longer ones are read in the worker."""

_ATOM = "http://www.w3.org/2005/Atom"
_RSS = ("", "http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/", "http://purl.org/rss/1.0")
_DC = ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/")
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_MEDIA = "http://search.yahoo.com/mrss/"
_FEEDBURNER = "http://rssnamespace.org/feedburner/ext/1.0"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def read(text: str) -> RawFeed | None:
    """The feed, or None for a document that is not well formed, has a DOCTYPE, or is none of RSS, RDF and Atom."""
    if "<!DOCTYPE" in text[:4096] or "<!ENTITY" in text[:4096]:
        return None
    parser = etree.XMLParser(
        recover=False,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root is None:
        return None
    space, name = _split(root.tag)
    if name == "feed" and space == _ATOM:
        return _atom(root)
    if (name == "rss" and space == "") or (name == "RDF" and space == _RDF):
        return _rss(root)
    return None


def _atom(root: etree._Element) -> RawFeed:
    entries = [e for e in root if e.tag == f"{{{_ATOM}}}entry"]
    items = [_atom_item(e) for e in entries[:MAX_ITEMS]]
    return RawFeed(title=_child(root, _ATOM, "title"), items=items, more=max(0, len(entries) - MAX_ITEMS))


def _atom_item(entry: etree._Element) -> RawItem:
    item = RawItem()
    bodies = [""]
    updated = ""
    for child in entry:
        space, name = _split(child.tag)
        if space == _ATOM:
            if name == "id":
                item.id = _text(child)
            elif name == "title":
                item.title = item.title or _text(child)
            elif name == "link":
                if child.get("rel", "alternate") == "alternate" and not item.link:
                    item.link = (child.get("href") or "").strip()
            elif name in ("summary", "content"):
                bodies.append(_markup(child))
            elif name == "published":
                item.date = _text(child)
            elif name == "updated":
                updated = _text(child)
            elif name == "author":
                item.author = item.author or _child(child, _ATOM, "name")
            elif name == "source":
                item.source = _child(child, _ATOM, "title")
        elif space == _MEDIA and name == "group":
            bodies.append(_child(child, _MEDIA, "description"))
        elif space == _FEEDBURNER and name == "origLink":
            item.link = _text(child) or item.link
    item.date = item.date or updated
    item.body = max(bodies, key=len)
    return item


def _rss(root: etree._Element) -> RawFeed | None:
    channel = next((e for e in root if _split(e.tag)[1] == "channel" and _split(e.tag)[0] in _RSS), None)
    if channel is None:
        return None
    elements = list(_items(root, channel))
    ttl = _child(channel, "", "ttl")
    return RawFeed(
        title=next(filter(None, (_child(channel, space, "title") for space in _RSS)), ""),
        items=[_rss_item(e) for e in elements[:MAX_ITEMS]],
        ttl_s=float(ttl) * 60 if ttl.isdecimal() and len(ttl) < 7 else None,
        more=max(0, len(elements) - MAX_ITEMS),
    )


def _items(root: etree._Element, channel: etree._Element) -> Iterator[etree._Element]:
    for parent in (channel, root):
        for element in parent:
            space, name = _split(element.tag)
            if name == "item" and space in _RSS:
                yield element


def _rss_item(element: etree._Element) -> RawItem:
    item = RawItem()
    bodies = [""]
    permalink = dc_date = atom_link = original = updated = ""
    for child in element:
        space, name = _split(child.tag)
        if space in _RSS:
            if name == "title":
                item.title = item.title or _text(child)
            elif name == "link":
                item.link = item.link or _text(child)
            elif name == "guid":
                item.id = _text(child)
                permalink = item.id if child.get("isPermaLink", "true").lower() != "false" else ""
            elif name == "description":
                bodies.append(_markup(child))
            elif name == "pubDate":
                item.date = _text(child)
            elif name == "author":
                item.author = _text(child)
            elif name == "source":
                item.source = _text(child)
        elif space == _CONTENT and name == "encoded":
            bodies.append(_markup(child))
        elif space in _DC and name in ("date", "created", "modified"):
            dc_date = dc_date or _text(child)
        elif space in _DC and name == "creator":
            item.author = item.author or _text(child)
        elif space == _MEDIA and name == "description":
            bodies.append(_text(child))
        elif space == _FEEDBURNER and name == "origLink":
            original = _text(child)
        elif space == _ATOM and name == "link" and child.get("rel", "alternate") == "alternate":
            atom_link = child.get("href", "")
        elif space == _ATOM and name in ("published", "updated"):
            updated = updated or _text(child)
    about = element.get(f"{{{_RDF}}}about", "")
    item.id = item.id or about
    item.link = original or item.link or atom_link or (permalink if permalink.startswith("http") else "")
    item.date = item.date or dc_date or updated
    item.body = max(bodies, key=len)
    return item


def _split(tag: object) -> tuple[str, str]:
    if not isinstance(tag, str):
        return "?", "?"
    if tag[0] != "{":
        return "", tag
    space, _, name = tag[1:].partition("}")
    return space, name


def _child(parent: etree._Element, space: str, name: str) -> str:
    found = parent.find(f"{{{space}}}{name}" if space else name)
    return "" if found is None else _text(found)


def _text(element: etree._Element) -> str:
    text = "".join(element.itertext()) if len(element) else (element.text or "")
    return text.strip()[:MAX_FIELD]


def _markup(element: etree._Element) -> str:
    """Text that may be escaped markup, or (xhtml) elements of its own."""
    if len(element) == 0:
        return (element.text or "").strip()[: 4 * MAX_FIELD]
    return str(etree.tostring(element, encoding="unicode", with_tail=False))[: 4 * MAX_FIELD]

"""Which addresses a feed may lie at: public ones, and the networks an operator allows."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from bot.core.errors import NotPublic

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Written out, because the standard library's `is_global` has called metadata services and NAT64 prefixes global.
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in """
        0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
        192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
        203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
        ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16
        fc00::/7 fe80::/10 fec0::/10 ff00::/8
    """.split()  # noqa: SIM905 - a table is easier to compare with the registries
]
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
REFUSED = "private addresses are not allowed"


class AddressGuard:
    """Judges the address that is really connected to, whatever name or redirect led there."""

    def __init__(self, allow_networks: Sequence[str] = (), ports: Sequence[int] = (80, 443, 8080, 8443)) -> None:
        """allow_networks: e.g. `127.0.0.0/8`; there, every port is allowed too."""
        self._allowed = [ipaddress.ip_network(n) for n in allow_networks]
        self._ports = frozenset(ports)

    def check(self, host: str, port: int) -> None:
        """Raises NotPublic. host: an IP address as the socket gets it."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            raise NotPublic(REFUSED) from None
        if any(address in network for network in self._allowed):
            return
        if "%" in host or not all(map(is_public, _meanings(address))):
            raise NotPublic(REFUSED)
        if port not in self._ports:
            raise NotPublic(f"port {port} is not allowed (80, 443, 8080 and 8443 are)")


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, taken literally."""
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return isinstance(address, ipaddress.IPv4Address) or address in _PUBLIC_V6


def _meanings(address: Address) -> Iterator[Address]:
    """The address, and every address it may stand for: v4-mapped, v4-compatible, 6to4, Teredo, NAT64."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if mapped:
        yield mapped  # the socket connects to this one
        return
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        yield from filter(None, (address.sixtofour, *(address.teredo or ())))

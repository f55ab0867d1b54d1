"""Which addresses a model may reach: the public internet, and nothing of this machine or its network."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as IPv6 (RFC 6052): the last four bytes are the address that is really reached."""

_ALSO_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv6Network("::/96"))
"""What not every Python counts as special: addresses that protocols use for themselves (RFC 6890; one cloud has its
metadata service there), and IPv4 addresses as IPv6 in a form that is given up (RFC 4291, section 2.5.5.1)."""


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet.

    Addresses of this machine, of private networks, of links (where clouds keep their metadata services) and of
    multicast groups are not, in whatever notation they come.

    Args:
        address: As `getaddrinfo` gives it; a zone (`%eth0`) is left out.

    Raises:
        ValueError: It is no IP address.
    """
    real = _embedded(ip_address(address.partition("%")[0]))
    is_special = real.is_multicast or any(real in network for network in _ALSO_SPECIAL)
    return real.is_global and not is_special


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that is behind an IPv6 one, if that is so."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address

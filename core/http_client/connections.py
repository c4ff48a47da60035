"""Connections that tell the running attempt their socket, and some that only lead to public addresses."""

import ipaddress
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from core.http_client.errors import PrivateAddressError
from core.http_client.exchange import CURRENT

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address belongs to the outside, looking through the ways IPv6 spells an IPv4 address."""
    found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(found.packed[-4:])
        found = inner or found
    return found.is_global and not found.is_multicast


class _Cuttable(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self._report()

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        self._report()  # A kept-alive connection does not connect again.
        super().putrequest(*args, **kwargs)

    def _report(self) -> None:
        current = CURRENT.get()
        if current is not None and self.sock is not None:
            current.use(self.sock)


class _CuttableTls(_Cuttable, HTTPSConnection):
    pass


class _PublicOnly(_Cuttable):
    def _new_conn(self) -> socket.socket:
        """Resolve once, refuse if any address is inside, and connect to what was checked and nothing else."""
        name = self._dns_host
        try:
            found = socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError):
            return super()._new_conn()  # It fails again there, in urllib3's own words.
        addresses = [str(entry[4][0]) for entry in found]
        if not all(is_public(address) for address in addresses):
            raise PrivateAddressError(f"redirected to {name}, which is an inner address", host=name)
        self._dns_host = addresses[0]
        try:
            return super()._new_conn()
        finally:
            self._dns_host = name


class _PublicOnlyTls(_PublicOnly, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Cuttable


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _CuttableTls


class _PublicPool(HTTPConnectionPool):
    ConnectionCls = _PublicOnly


class _PublicTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicOnlyTls


class CuttableAdapter(HTTPAdapter):
    """For the configured host, wherever it is: the operator chose it."""

    pools: dict[str, Any] = {"http": _Pool, "https": _TlsPool}  # noqa: RUF012 - never changed

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self.pools


class PublicAdapter(CuttableAdapter):
    """For wherever a redirect leads: public addresses only."""

    pools: dict[str, Any] = {"http": _PublicPool, "https": _PublicTlsPool}  # noqa: RUF012 - never changed

"""Is the address free? Asked before anything starts, and answered in one line."""

import contextlib
import errno
import socket

import psutil

from faceplatform.stack.errors import StackError


def check_free(bind: str) -> None:
    """Raise StackError when a server could not listen on `bind` (address:port)."""
    address, _, text = bind.rpartition(":")
    port = int(text)
    family = socket.AF_INET6 if address.startswith("[") else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.strip("[]"), port))
            probe.listen(1)
        except OSError as error:
            raise StackError(_explain(error, address, port)) from None


def _explain(error: OSError, address: str, port: int) -> str:
    other = "set PUBLIC_URL to another port, such as http://127.0.0.1:8001"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {address} is already in use{_holder(port)}; stop it or {other}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not listen on port {port}; {other}"
    return f"cannot listen on {address}:{port}: {error.strerror}"


def _holder(port: int) -> str:
    """Return who listens on a port, as far as this user may see it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.pid and connection.laddr and connection.laddr[1] == port:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""

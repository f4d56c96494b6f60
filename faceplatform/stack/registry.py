"""The embedded servers by name."""

from faceplatform.stack.errors import StackError
from faceplatform.stack.layout import Layout
from faceplatform.stack.postgres import PostgresServer
from faceplatform.stack.servers import EmbeddedServer
from faceplatform.stack.valkey import ValkeyServer


def embedded_server(name: str, layout: Layout) -> EmbeddedServer:
    """Return the server `postgres` or `valkey` of a layout."""
    if name == PostgresServer.name:
        return PostgresServer(layout)
    if name == ValkeyServer.name:
        return ValkeyServer(layout)
    raise StackError(f"there is no embedded server named {name}")

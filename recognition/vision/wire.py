"""Messages between a process and the one that decodes for it: a head in JSON and a body of bytes.

    8 bytes    length of the head, length of the body, big-endian
    head       a JSON object
    body       bytes as they are

A file descriptor may travel with the first byte. Neither side trusts a length it has not checked.
"""

import json
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

_LENGTHS = struct.Struct(">II")
MAX_HEAD = 64 * 1024
Head = dict[str, Any]


class ChannelClosed(Exception):
    """The other side is gone, or sends what is no message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `descriptor` belongs to the receiver, who closes it."""

    head: Head
    body: bytes = b""
    descriptor: int | None = None


def send(
    channel: socket.socket, head: Head, body: bytes = b"", *, descriptor: int | None = None
) -> None:
    """Send one message. Raises ChannelClosed, or TimeoutError where the channel has a time-out."""
    text = json.dumps(head).encode()
    data = _LENGTHS.pack(len(text), len(body)) + text + body
    sent = 0
    try:
        if descriptor is not None:
            sent = socket.send_fds(channel, [data], [descriptor])
        channel.sendall(memoryview(data)[sent:])
    except TimeoutError:
        raise
    except OSError as error:
        raise ChannelClosed("The other side is gone.") from error


def receive(channel: socket.socket, *, max_body: int) -> Message | None:
    """Wait for one message; None when the other side has closed the channel.

    Raises ChannelClosed for half a message or one that is too long.
    """
    first, descriptors, _, _ = socket.recv_fds(channel, _LENGTHS.size, 1)
    if not first:
        return None
    lengths = first + _exactly(channel, _LENGTHS.size - len(first), deadline=None)
    head, body = _LENGTHS.unpack(lengths)
    if head > MAX_HEAD or body > max_body:
        raise ChannelClosed("The message is too long.")
    return Message(
        _parse(_exactly(channel, head, deadline=None)),
        bytes(_exactly(channel, body, deadline=None)),
        descriptors[0] if descriptors else None,
    )


def receive_head(channel: socket.socket, *, deadline: float) -> Head:
    """Wait for a message without a body until `deadline` (of time.monotonic).

    Raises TimeoutError, and ChannelClosed for everything that is no such message. A descriptor
    that comes along is dropped by the kernel.
    """
    head, body = _LENGTHS.unpack(_exactly(channel, _LENGTHS.size, deadline=deadline))
    if head > MAX_HEAD or body:
        raise ChannelClosed("The message is too long.")
    return _parse(_exactly(channel, head, deadline=deadline))


def _exactly(channel: socket.socket, size: int, *, deadline: float | None) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        if deadline is not None:
            channel.settimeout(max(deadline - time.monotonic(), 1e-3))
        try:
            count = channel.recv_into(view)
        except TimeoutError:
            raise
        except OSError as error:
            raise ChannelClosed("The other side is gone.") from error
        if not count:
            raise ChannelClosed("The other side is gone.")
        view = view[count:]
    return data


def _parse(text: bytearray) -> Head:
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ChannelClosed("The message is not JSON.") from error
    if not isinstance(head, dict):
        raise ChannelClosed("The message is no object.")
    return head

"""The process that opens what may be hostile: pictures, and archives by their descriptor.

    python -m recognition.vision.sandbox_child CHANNEL OUTPUT

CHANNEL is a connected socket, OUTPUT a memory file for results; both are inherited descriptors. It
loads what it needs, gives up everything else, answers requests one by one, and ends when the other
side closes the channel.
"""

import codecs
import importlib
import io
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import astuple

from PIL import Image

from recognition.vision import wire
from recognition.vision.archive import ArchiveEntry, read_directory, read_entry
from recognition.vision.confinement import Limits, forbid_system_calls, limit_resources
from recognition.vision.errors import ImageError, VisionError
from recognition.vision.images import ImageLimits, decode_image, heif_available

MAX_REQUEST = 64 * 1024**2
Content = bytes | memoryview
Handler = Callable[[wire.Message], tuple[wire.Head, Content]]
_LATER = (
    "PIL.JpegImagePlugin",
    "PIL.MpoImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.TiffImagePlugin",
    "PIL.WebPImagePlugin",
    "traceback",
)


def decode(message: wire.Message) -> tuple[wire.Head, Content]:
    """Decode a picture. Answers shape, format and notes; the content is its pixels."""
    decoded = decode_image(message.body, ImageLimits(**message.head["limits"]))
    height, width = decoded.height, decoded.width
    head = {"shape": [height, width], "format": decoded.format, "notes": list(decoded.notes)}
    return head, decoded.pixels.reshape(-1).data


def archive_directory(message: wire.Message) -> tuple[wire.Head, Content]:
    """Read a zip's directory. The content is one JSON row per entry."""
    descriptor = _descriptor(message)
    found = read_directory(
        lambda offset, size: os.pread(descriptor, size, offset),
        message.head["file_size"],
        max_entries=message.head["max_entries"],
    )
    return {}, json.dumps([astuple(entry) for entry in found]).encode()


def archive_entry(message: wire.Message) -> tuple[wire.Head, Content]:
    """Unpack one entry of a zip. The content is its bytes."""
    descriptor = _descriptor(message)
    entry = ArchiveEntry(*message.head["entry"])
    return {}, read_entry(lambda offset, size: os.pread(descriptor, size, offset), entry)


HANDLERS: Mapping[str, Handler] = {
    "decode": decode,
    "archive_directory": archive_directory,
    "archive_entry": archive_entry,
}


def _descriptor(message: wire.Message) -> int:
    if message.descriptor is None:
        raise AssertionError("this request comes with a file")
    return message.descriptor


class _NothingLeft:
    """Answers every later import: files can no longer be opened, and a half-loaded module lies.

    Without this an import that was forgotten would look like a damaged picture.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Refuse."""
        raise ImportError(f"{name} was not loaded before the process was confined")


def confine() -> bool:
    """Load and use once what decoding needs, then give up the rest.

    Returns whether system calls are restricted; the other limits always hold.
    """
    limit_resources(Limits())
    for name in (*_LATER, *(["pillow_heif"] if heif_available() else [])):
        importlib.import_module(name)
    for codec in ("cp437", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be"):
        codecs.lookup(codec)
    _rehearse()
    if not forbid_system_calls():
        return False
    sys.meta_path.insert(0, _NothingLeft)
    return True


def _rehearse() -> None:
    """Decode one small picture of each kind, whole and cut, so that lazy parts are loaded."""
    for junk in (b"", b"GIF89a"):
        _refused(junk)
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode, kind in (("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("RGBA", "WEBP")):
        buffer = io.BytesIO()
        Image.new(mode, (64, 64)).save(buffer, kind, exif=exif)
        decode_image(buffer.getvalue())
        _refused(buffer.getvalue()[:-20])


def _refused(data: bytes) -> None:
    with suppress(ImageError):
        decode_image(data)


def serve(channel: socket.socket, output: int, handlers: Mapping[str, Handler]) -> None:
    """Answer requests until the channel is closed.

    A timer ends this process when one request takes too much of the processor. RLIMIT_CPU would
    count all requests together.
    """
    while (message := wire.receive(channel, max_body=MAX_REQUEST)) is not None:
        signal.setitimer(signal.ITIMER_PROF, message.head["cpu_seconds"])
        try:
            head, content = handlers[message.head["command"]](message)
        except VisionError as error:
            head, content = {"error": error.code, "detail": error.detail}, b""
        if message.descriptor is not None:
            os.close(message.descriptor)
        _write(output, content)
        wire.send(channel, head | {"size": len(content)})
        signal.setitimer(signal.ITIMER_PROF, 0)


def _write(output: int, content: Content) -> None:
    view = memoryview(content)
    position = 0
    while position < len(view):
        position += os.pwrite(output, view[position:], position)


def main(arguments: list[str], handlers: Mapping[str, Handler] = HANDLERS) -> None:
    """Serve with `handlers` on the descriptors that the arguments name."""
    # The process that started this one says when it is over, by closing the channel.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    number, output = (int(argument) for argument in arguments)
    with socket.socket(fileno=number) as channel:
        wire.send(channel, {"confined": confine()})
        try:
            serve(channel, output, handlers)
        except wire.ChannelClosed:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(0)

"""A bucket in this process: what S3 answers to the requests that storing files needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit


class Bucket(ThreadingHTTPServer):
    """Objects by path, `/bucket/key`; counts what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        self.server.objects[self._key()] = self._body()
        self._answer(200)

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        if "delimiter" in query:
            self._answer(200, self._listing(query.get("prefix", "")))
            return
        found = self.server.objects.get(self._key())
        self._answer(404 if found is None else 200, found or b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._key(), None)
        self._answer(204)

    def _listing(self, prefix: str) -> bytes:
        """Return what lies directly below a prefix, as one page."""
        start = f"{self._key()}/{prefix}"
        below = [key.removeprefix(start) for key in self.server.objects if key.startswith(start)]
        files = sorted(name for name in below if "/" not in name)
        folders = sorted({name.partition("/")[0] for name in below if "/" in name})
        return "".join(
            [
                "<ListBucketResult><IsTruncated>false</IsTruncated>",
                *(f"<Contents><Key>{prefix}{name}</Key></Contents>" for name in files),
                *(
                    f"<CommonPrefixes><Prefix>{prefix}{name}/</Prefix></CommonPrefixes>"
                    for name in folders
                ),
                "</ListBucketResult>",
            ]
        ).encode()

    def _key(self) -> str:
        self.server.seen.append(f"{self.command} {self.headers.get('x-amz-acl', '')}".strip())
        return self.path.partition("?")[0]

    def _body(self) -> bytes:
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"0"')
        self.send_header("Last-Modified", formatdate(usegmt=True))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def running_bucket() -> Iterator[Bucket]:
    bucket = Bucket()
    thread = Thread(target=bucket.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield bucket
    finally:
        bucket.shutdown()
        thread.join()
        bucket.server_close()

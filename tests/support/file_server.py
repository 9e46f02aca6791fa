"""Web servers of a folder on the loopback interface."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class WholeFiles(SimpleHTTPRequestHandler):
    """Python's own, which does not know Range requests."""

    def log_message(self, *_: object) -> None:
        pass


class PartsOfFiles(WholeFiles):
    """Answers requests for one range of bytes (RFC 9110, section 14), and remembers them."""

    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append((self.path, wanted))
        file = Path(self.translate_path(self.path))
        if wanted is None or not file.is_file():
            super().do_GET()
            return
        data = file.read_bytes()
        first, last = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted).groups()
        start, stop = (int(first), int(last) + 1) if first else (max(0, len(data) - int(last)), len(data))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data[start:stop])))
        self.end_headers()
        self.wfile.write(data[start:stop])


@contextmanager
def serving(folder: Path, handler: type[WholeFiles]) -> Iterator[str]:
    """The server's address, while the body runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

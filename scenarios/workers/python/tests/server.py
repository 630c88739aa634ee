"""A loopback HTTP server that answers as it is told and remembers what it was asked."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """An answer; `body` that is no string is sent as JSON."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    dribble: bool = False
    """Sends spaces for ever in place of the body, so that no single read waits long."""

    def encoded(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass
class Request:
    method: str
    path: str
    headers: Message
    body: str


class Server:
    """Use as a context manager. `answer` is called for each request; its `None` never answers."""

    def __init__(self, answer: Reply | Callable[[Request], Reply | None]) -> None:
        self.requests: list[Request] = []
        self._closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(self.command, self.path, self.headers, self.rfile.read(length).decode())
                server.requests.append(request)
                reply = answer(request) if callable(answer) else answer
                if reply is None:
                    server._closing.wait()
                    return
                body = reply.encoded()
                self.send_response_only(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if not reply.dribble:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                while reply.dribble and not server._closing.wait(0.005):
                    try:
                        self.wfile.write(b" ")
                    except OSError:
                        break

            do_GET = do_POST = do

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

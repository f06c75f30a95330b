"""A model's endpoint on 127.0.0.1 that answers as a test wants."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def completion(text, *, tokens_in=100, tokens_out=50, finish="stop"):
    """An answer as OpenAI's API gives it; without counts if ``tokens_in`` is None."""
    message = {"role": "assistant", "content": text}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
    }
    if tokens_in is not None:
        total = tokens_in + tokens_out
        body["usage"] = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": total}
    return 200, {}, body


def failure(status, message="no", headers=None):
    """An error as OpenAI's API gives it."""
    return status, headers or {}, {"error": {"message": message}}


class Mock:
    """What was asked, and where."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.keys: list[str] = []
        self.url = ""


@contextmanager
def endpoint(answer: Callable[[dict, int], tuple]) -> Iterator[Mock]:
    """Serve ``answer(request, number)``: status, headers, and JSON data, or bytes (half of an answer)."""
    mock = Mock()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                number = len(mock.requests)
                mock.requests.append(request)
                mock.keys.append(self.headers["authorization"])
            status, headers, data = answer(request, number)
            time.sleep(headers.pop("delay", 0))
            raw = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.send_response(status)
            headers = {"content-length": len(raw), "content-type": "application/json", **headers}
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(raw)
            if int(headers["content-length"]) != len(raw):  # half a stream: the line is cut
                self.close_connection = True

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    mock.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield mock
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Vectors from an endpoint: in the order of the texts, and failures in words."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from kernelevo.knowledge import KnowledgeBase
from kernelevo.llm import EndpointError
from kernelevo.llm.embedding import embedder


@pytest.fixture
def endpoint(monkeypatch):
    """An endpoint whose vectors are (length of the text, 1), given in reverse order."""
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            texts = body["input"][: body["model"] == "short" or None]
            rows = [
                {"object": "embedding", "index": i, "embedding": [len(t), 1.0]} for i, t in enumerate(texts)
            ]
            data = {
                "object": "list",
                "model": "m",
                "data": rows[::-1],
                "usage": {"prompt_tokens": 1, "total_tokens": 1},
            }
            answer = json.dumps(data).encode()
            self.send_response(404 if body["model"] == "missing" else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
        server.shutdown()
        thread.join()


def test_vectors_come_in_the_order_of_the_texts_and_rank_notes(endpoint):
    url, asked = endpoint
    assert embedder("m", url)(["a", "abc", ""]) == [[1.0, 1.0], [3.0, 1.0], [0.0, 1.0]]
    assert KnowledgeBase(embed=embedder("m", url)).search("softmax row", limit=2)
    assert asked[-1]["input"][0] == "softmax row" and len(asked[-1]["input"]) > 2


@pytest.mark.parametrize(
    ("model", "words"), [("missing", "gave no vectors"), ("short", "1 vectors for 2 texts")]
)
def test_failures_are_told_without_the_key(endpoint, model, words):
    with pytest.raises(EndpointError, match=words) as caught:
        embedder(model, endpoint[0])(["a", "b"])
    assert "secret-key" not in str(caught.value)


def test_without_a_key_it_says_what_to_do(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EndpointError, match="OPENAI_API_KEY"):
        embedder("m", "http://127.0.0.1:1/v1")(["a"])


def test_an_endpoint_of_ones_own_needs_no_key(endpoint, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert embedder("m", endpoint[0])(["a", "abc"]) == [[1.0, 1.0], [3.0, 1.0]]
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint[0])
    assert embedder("m")(["abc"]) == [[3.0, 1.0]]

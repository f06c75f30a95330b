"""A chat endpoint on loopback for benchmarks: waits, answers, and keeps a ledger of what it would bill.

``python -m benchmarks.engine.endpoint --ledger FILE --seconds 20`` prints its URL on the first line and
serves until its input ends. A line of the ledger is one answer that was written to the line of the asker.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
TOKENS = 7  # of each reply


def answer(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a reply with a program that nobody has had."""
    prompt = "".join(message["content"] for message in body["messages"])
    name = hashlib.sha256(f"{number} {prompt}".encode()).hexdigest()[:12]
    return {
        "id": str(number),
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": f"```python\nname = 0x{name}\n```"},
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": TOKENS, "total_tokens": 100 + TOKENS},
    }


class Endpoint:
    """Answers after some seconds.

    Args:
        ledger: file that gets a line for each answer.
        seconds: how long an answer takes.
    """

    def __init__(self, ledger: Path, seconds: float) -> None:
        self.ledger, self.seconds, self.number = ledger.open("a", encoding="utf-8"), seconds, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it is closed."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next(line.split(":")[1] for line in head.splitlines() if "content-length" in line)
                body = json.loads(await reader.readexactly(int(length)))
                self.number += 1
                number = self.number
                await asyncio.sleep(self.seconds)
                if reader.at_eof():  # who asked is gone: nothing to bill
                    break
                raw = json.dumps(answer(body, number)).encode()
                writer.write(HEAD % len(raw) + raw)
                await writer.drain()
                self.ledger.write(json.dumps({"number": number, "tokens": 100 + TOKENS}) + "\n")
                self.ledger.flush()
        writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    chosen = parser.parse_args()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    endpoint = Endpoint(chosen.ledger, chosen.seconds)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # a thousand idle connections are not worth an orderly end; the ledger is flushed


@contextlib.contextmanager
def running(ledger: Path, seconds: float) -> Iterator[str]:
    """Serve in a process of its own; yields the URL."""
    command = [sys.executable, "-m", "benchmarks.engine.endpoint", "--ledger", str(ledger)]
    process = subprocess.Popen(
        [*command, "--seconds", str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(main())

"""How many requests the model client keeps in flight, how many a second it manages, and its memory.

``python -m benchmarks.engine.client``: a thousand requests at a time that take 20 s each, then a mock without
any delay for the client's own ceiling. Both through the ``openai`` package over loopback.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.engine.endpoint import TOKENS, running
from benchmarks.engine.record import arguments, keep
from kernelevo.llm import Message, OpenAIClient

PROMPT = "Improve this program.\n" + "x = 1\n" * 600  # 4 kB, as a brief has


def megabytes() -> float:
    """Memory of this process at its highest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def ask(url: str, requests: int, at_a_time: int) -> float:
    """Send requests, so many at a time; return the seconds it took."""
    client = OpenAIClient(url, environment={})
    gate = asyncio.Semaphore(at_a_time)

    async def one(number: int) -> None:
        async with gate:
            reply = await client.complete([Message("user", f"{number}\n{PROMPT}")], model="mock")
            assert reply.usage.tokens_out == TOKENS and reply.attempts == 1

    await client.complete([Message("user", "hello")], model="mock")  # imports and connects
    began = time.perf_counter()
    await asyncio.gather(*map(one, range(requests)))
    seconds = time.perf_counter() - began
    await client.aclose()
    return seconds


def measure(at_a_time: int, latency: float, requests: int) -> dict[str, Any]:
    """Run one cell against a fresh endpoint."""
    before = megabytes()
    used = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"
        with running(ledger, latency) as url:
            seconds = asyncio.run(ask(url, requests, at_a_time))
        answered = len(ledger.read_text().splitlines()) - 1
    ideal = latency * requests / at_a_time
    return {
        "in_flight": at_a_time,
        "latency_s": latency,
        "requests": requests,
        "answered": answered,
        "seconds": seconds,
        "per_second": requests / seconds,
        "share_of_ideal": ideal / seconds if latency else None,
        "client_cpu_ms_each": 1e3 * (time.process_time() - used) / requests,
        "memory_mb": megabytes(),
        "memory_more_mb": megabytes() - before,
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    chosen = parser.parse_args()
    rows = [measure(64, 0.0, chosen.requests), measure(1000, 20.0, chosen.requests)]
    note = (
        "prompts of 4 kB; client and mock share this machine's cores; the second row is dominated by "
        "sleep: meaningful on a busy machine too (bar: >= 90 % of ideal); the first row is the client's own "
        "ceiling and needs a quiet machine"
    )
    keep("client", chosen, rows, note)


if __name__ == "__main__":
    main()

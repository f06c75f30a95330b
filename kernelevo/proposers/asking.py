"""LLMProposer: one prompt, one reply, one program; asked N times, the best of N is kept by the run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random
from typing import Any

from kernelevo.core import Brief, Origin, Program, Proposal
from kernelevo.llm import Client, Extracted, Reply, ReplyTimeout, extract
from kernelevo.proposers.briefing import KERNEL, TOKENS, persona_for, prompt_hash, render
from kernelevo.proposers.prompt_files import PromptFiles


class LLMProposer:
    """Asks a language model (or a mailbox) for a program.

    A reply without a program becomes a program that fails with the reason, so that the next prompt can show
    it and its tokens are counted; its reason is in ``Origin.details["refused"]``.

    Args:
        client: who answers.
        model: name of the model; any text for a mailbox.
        temperature: how varied the replies are; None takes each persona's own.
        max_tokens: longest reply.
        name: name of the proposer.
        prompts: prompt files; ours by default.
        tokens: what a prompt may take by estimate.
    """

    def __init__(
        self,
        client: Client,
        model: str,
        *,
        temperature: float | None = None,
        max_tokens: int | None = 16_384,
        name: str = "llm",
        prompts: PromptFiles | None = None,
        tokens: int = TOKENS,
    ) -> None:
        self.name, self.model = name, model
        self.prompts, self.tokens = prompts or PromptFiles.load(), tokens
        self._client, self._temperature, self._max_tokens = client, temperature, max_tokens

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Ask once and return one proposal; none if nobody answered in time.

        Raises:
            EndpointError: if the endpoint gives no reply.
        """
        personas = self.prompts.personas(KERNEL if brief.task.evaluator == KERNEL else "general")
        persona = persona_for(brief, personas) or (rng.choice(personas) if personas else None)
        temperature = self._temperature
        if temperature is None and persona is not None:
            temperature = persona.temperature
        rendered = render(brief, self.prompts, persona, tokens=self.tokens)
        messages = rendered.messages
        seed = rng.randrange(2**31)
        try:
            reply = await self._client.complete(
                messages,
                model=self.model,
                temperature=temperature,
                max_tokens=self._max_tokens,
                seed=seed,
            )
        except ReplyTimeout:
            return ()
        # half a surrogate pair can come through JSON, but neither a file nor the store can hold it
        text = reply.text.encode(errors="replace").decode()
        found = extract(text, cut_off=reply.cut_off)
        details: dict[str, Any] = {
            "model": reply.model or self.model,
            "prompt_sha256": prompt_hash(messages),
            "prompt_files_sha256": rendered.files,
            "prompt_tokens_estimate": rendered.tokens,
            "persona": persona.name if persona else None,
            "temperature": temperature,
            "seed": seed,
        }
        if rendered.dropped:
            details["dropped"] = dict(rendered.dropped)
        if found.source is None:
            details["refused"] = found.refusal
        program = Program.single(
            found.source or _refused(found, text),
            parents=tuple(v.program.id for v in brief.parents),
            origin=Origin(self.name, found.idea or found.refusal, details),
        )
        records = {
            "prompt": [{"role": m.role, "content": m.content} for m in messages],
            "reply": text,
            "finish": reply.finish,
            "latency_seconds": reply.latency,
        }
        return (Proposal(program, _cost(reply), records),)


def _refused(found: Extracted, text: str) -> str:
    """Return a program that fails with the reason, so that the verdict carries it."""
    reason = f"{found.refusal}; answer with the whole file in one fenced python block"
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"# no program in reply {mark}\nraise SyntaxError({reason!r})\n"


def _cost(reply: Reply) -> dict[str, float]:
    counts = {"tokens_in": reply.usage.tokens_in, "tokens_out": reply.usage.tokens_out}
    return {unit: float(count) for unit, count in counts.items() if count is not None}

"""Embeddings from an OpenAI-compatible endpoint, to re-rank what a search of notes found."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from kernelevo.llm.client import EndpointError
from kernelevo.llm.openai_client import KEY_VARIABLE, NO_KEY, URL_VARIABLE, missing

_SECONDS = 30.0


def embedder(model: str, base_url: str | None = None) -> Callable[[Sequence[str]], list[list[float]]]:
    """Return a function from texts to vectors; the key comes from ``OPENAI_API_KEY``, if there is one.

    Args:
        model: name of a model of embeddings.
        base_url: the endpoint; None means ``$OPENAI_BASE_URL``, else the ``openai`` package's own.

    Raises:
        EndpointError: (the function) if there is no answer, or not one vector for each text.
        ToolchainMissing: (the function) if ``openai`` is not installed.
    """

    def embed(texts: Sequence[str]) -> list[list[float]]:
        try:
            import openai
        except ImportError as error:
            raise missing() from error

        try:
            # as for the models of a run: an endpoint of one's own may want no key
            address = base_url or os.environ.get(URL_VARIABLE) or None
            key = os.environ.get(KEY_VARIABLE) or (NO_KEY if address else None)
            with openai.OpenAI(api_key=key, base_url=address, timeout=_SECONDS, max_retries=1) as client:
                told = client.embeddings.create(model=model, input=list(texts))
            vectors = [
                list(map(float, row.embedding)) for row in sorted(told.data, key=lambda row: row.index)
            ]
        except (openai.OpenAIError, TypeError, ValueError, AttributeError) as error:
            raise EndpointError(
                f"the embedding model {model} gave no vectors",
                why=f"{type(error).__name__}",
                now="check --base-url, --embedding-model and OPENAI_API_KEY, or leave the model out",
            ) from error
        if len(vectors) != len(texts):
            raise EndpointError(
                f"the embedding model {model} gave {len(vectors)} vectors for {len(texts)} texts"
            )
        return vectors

    return embed

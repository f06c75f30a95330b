"""The language models of a run: from settings to clients, prices, limits and the ledger of calls."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.config import MAILBOX, RECORD, ModelTable, Settings
from kernelevo.engine import Budget
from kernelevo.errors import BadSetting, refused
from kernelevo.llm import (
    Book,
    Call,
    Client,
    Ended,
    Limits,
    MailboxClient,
    Model,
    Models,
    OpenAIClient,
    Price,
    Record,
    ReplayClient,
    RetryPolicy,
    Role,
)
from kernelevo.llm.openai_client import KEY_VARIABLE
from kernelevo.llm.replay import LOOKED_UP
from kernelevo.proposers.prompt_files import PromptFiles
from kernelevo.store import CallRow, RunStore, find_run

TIMEOUT = 600.0


@dataclass(frozen=True)
class Language:
    """Who answers in a run.

    Args:
        models: everybody by role; the proposers are those of the proposer ``llm``.
        mailbox: the folder as the one model of the proposer ``mailbox``; None if there is no folder.
    """

    models: Models
    mailbox: Models | None = None
    box: MailboxClient | None = None
    endpoints: Sequence[OpenAIClient] = ()

    def listen(self, book: Book, notice: Callable[[str], None] = lambda _: None) -> None:
        """Have every call written down; tell somebody of models that rest, and what is wrong in a mailbox."""
        self.models.book, self.models.notice = book, notice
        if self.box is not None:
            self.box.notice = notice
        if self.mailbox is not None:
            self.mailbox.book = book

    async def aclose(self) -> None:
        """Close the connections to endpoints; to be awaited in the event loop that used them."""
        for endpoint in self.endpoints:
            await endpoint.aclose()


def speaks(settings: Settings) -> bool:
    """Whether a run with these settings asks any model."""
    named = (settings.judge_model, settings.summary_model)
    return "llm" in settings.proposers or MAILBOX in settings.proposers or any(named)


def refuse_unspendable(settings: Settings, budget: Budget) -> None:
    """Refuse, before there is a folder, models that cannot be asked, and a budget that only they would spend.

    A judge, a summariser and a mailbox, which nobody bills, end no search, however little is left.

    Raises:
        BadSetting: for a key, price or record that is missing, or a budget of money or tokens alone where no
            model is asked for programs.
        ToolchainMissing: if an endpoint is wanted and ``openai`` is not installed.
    """
    if "llm" not in settings.proposers:
        budget.refuse_unspendable("give a time or trials, e.g. --budget 90s, or a model with --model NAME")
    if speaks(settings):
        language(settings, budget)


def language(settings: Settings, budget: Budget) -> Language:
    """Make everybody who answers in a run; nothing is sent yet.

    Raises:
        BadSetting: for a record that cannot be read, a key that is missing, or a budget in dollars that
            cannot hold because a model has no price.
        ToolchainMissing: if an endpoint is wanted and ``openai`` is not installed.
    """
    wanted = _roles(settings)
    box: Model | None = None
    folder: MailboxClient | None = None
    if settings.mailbox is not None:
        folder = MailboxClient(Path(settings.mailbox), timeout=settings.reply_timeout)
        box = _model(MAILBOX, folder, settings, MAILBOX)
    mailbox = Models([box], {"proposer": (MAILBOX,)}) if box else None
    if settings.replay is not None:
        record = Record.read(Path(settings.replay))
        clients: dict[str, Client] = {}
        for role in wanted:
            # without a model of their own, those who propose mended too
            roles = (role, "repair") if role == "proposer" and "repair" not in wanted else (role,)
            clients[f"{RECORD}:{role}"] = ReplayClient(record, *roles, loose=settings.replay_loosely)
        made = [_model(name, client, settings, RECORD) for name, client in clients.items()]
        return Language(Models(made, {role: (f"{RECORD}:{role}",) for role in wanted}), mailbox, folder)
    named = list(dict.fromkeys(name for names in wanted.values() for name in names))
    models = [box if name == MAILBOX and box else _endpoint(name, settings) for name in named]
    _refuse_unpriced(models, budget)
    endpoints = [m.client for m in models if isinstance(m.client, OpenAIClient)]
    return Language(Models(models, wanted), mailbox, folder, endpoints)


def row_of(call: Call) -> CallRow:
    """Return the row of the store for a call."""
    return CallRow(
        role=call.purpose.role,
        trial=call.purpose.trial,
        persona=call.purpose.persona,
        prompt=tuple({"role": m.role, "content": m.content} for m in call.messages),
        state=call.state,
        **{k: v for k, v in vars(call).items() if k not in ("purpose", "messages")},
    )


def in_rows(book: Callable[[CallRow], Callable[[CallRow], None]]) -> Book:
    """Return a book for calls out of one for rows of the store."""

    def asked(call: Call) -> Ended:
        ended = book(row_of(call))
        return lambda done: ended(row_of(done))

    return asked


def prompt_files(settings: Settings) -> PromptFiles:
    """Return the prompts of a run: ours, and over them those of the settings' folder.

    Raises:
        BadSetting: for a folder or a file in it that cannot be used.
    """
    return PromptFiles.load(Path(os.path.expanduser(settings.prompts)) if settings.prompts else None)


def export_replies(run: str, file: Path) -> int:
    """Write every reply that a run got to a file that ``--replay`` reads; return how many.

    Beside them stands which notes the run looked up, so that a replay is told the same.

    Raises:
        RunNotFound: if there is no such run.
        BadSetting: if it got none.
        StoreError, Unwritable: if the file cannot be written.
    """
    folder = find_run(run)
    with RunStore.open(folder, readonly=True) as store:
        rows = [row.to_json() for row in store.calls() if row.reply is not None]
        lines: list[dict[str, Any]] = [{LOOKED_UP: told} for told in store.lookups]
    if not rows:
        raise BadSetting(f"{folder} got no reply of a model", now="a run with --model or --mailbox does")
    names = ("role", "persona", "model", "prompt_sha256", "prompt", "reply", "finish", "tokens_in",
             "tokens_cached", "tokens_out", "trial")  # fmt: skip
    lines += [{k: row[k] for k in names} for row in rows]
    try:
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    except OSError as error:
        raise refused(f"{file} cannot be written.", error, "another file with --replies") from error
    return len(rows)


def _roles(settings: Settings) -> dict[Role, Sequence[str]]:
    mine: Mapping[Role, str | None] = {
        "proposer": settings.model if "llm" in settings.proposers else None,
        "repair": settings.repair_model,
        "judge": settings.judge_model,
        "summariser": settings.summary_model,
    }
    if settings.replay is not None:
        return {role: (RECORD,) for role, name in mine.items() if name or role == "proposer"}
    return {
        role: tuple(n.strip() for n in name.split(",") if n.strip()) for role, name in mine.items() if name
    }


def _endpoint(name: str, settings: Settings) -> Model:
    if name == MAILBOX:
        raise BadSetting("the model 'mailbox' needs a folder", now="--mailbox FOLDER")
    table = _table(name, settings)
    client = OpenAIClient(
        table.base_url or settings.base_url,
        timeout=table.timeout or settings.reply_timeout or TIMEOUT,
        retry=RetryPolicy(attempts=table.attempts or RetryPolicy.attempts),
        key_variable=table.key_variable or KEY_VARIABLE,
    )
    return _model(name, client, settings, name)


def _model(name: str, client: Client, settings: Settings, table_name: str) -> Model:
    table = _table(table_name, settings)
    limits = {
        key: value
        for key in ("concurrency", "requests_per_minute", "tokens_per_minute")
        if (value := getattr(table, key)) is not None
    }
    priced = table.input is not None and table.output is not None
    return Model(
        name,
        client,
        served=table.served or "",
        price=Price(table.input or 0.0, table.output or 0.0, table.cached) if priced else None,
        limits=Limits(**limits),
        max_tokens=table.max_tokens or settings.max_tokens,
    )


def _table(name: str, settings: Settings) -> ModelTable:
    return ModelTable.read(name, settings.models.get(name, {}))


def _refuse_unpriced(models: Sequence[Model], budget: Budget) -> None:
    without = [m.name for m in models if m.price is None and m.name != MAILBOX]
    if "dollars" in budget.limits and without:
        raise BadSetting(
            f"a budget in dollars cannot be kept: nobody said what {', '.join(without)} costs.",
            why="prices are part of the settings, in dollars per million tokens",
            now=f'--config FILE with: [models."{without[0]}"] input = 1.0, output = 4.0; or tokens:200k',
        )

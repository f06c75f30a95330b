"""The shape of ``run.db`` as an append-only list of steps; applied names are stored in the file itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x6B65764F  # "kevO", so that no other SQLite file is mistaken for a run

Migration = Callable[[sqlite3.Connection], None]


def m001_run(db: sqlite3.Connection) -> None:
    """Facts of the run by name: task, settings, state, created, searched (seconds)."""
    db.execute("CREATE TABLE run (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")


def m002_trials(db: sqlite3.Connection) -> None:
    """Programs by content, trials by number; ``position`` keeps the order of recording."""
    db.execute("CREATE TABLE programs (id TEXT PRIMARY KEY, language TEXT NOT NULL, files TEXT NOT NULL)")
    db.execute(
        """CREATE TABLE trials (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            number INTEGER NOT NULL UNIQUE,
            program TEXT NOT NULL REFERENCES programs (id),
            parents TEXT NOT NULL, origin TEXT NOT NULL,
            status TEXT, score REAL, evaluation TEXT, fault TEXT,
            island INTEGER NOT NULL, seen INTEGER NOT NULL, cost TEXT NOT NULL,
            started REAL NOT NULL, ended REAL NOT NULL, reused INTEGER,
            CHECK ((evaluation IS NULL) <> (fault IS NULL)))"""
    )


def m003_drafts(db: sqlite3.Connection) -> None:
    """Proposals that are not judged yet, so that a killed run does not pay for them twice."""
    db.execute(
        """CREATE TABLE drafts (
            ask INTEGER NOT NULL, position INTEGER NOT NULL, number INTEGER UNIQUE,
            program TEXT NOT NULL REFERENCES programs (id),
            parents TEXT NOT NULL, origin TEXT NOT NULL, proposer TEXT NOT NULL,
            cost TEXT NOT NULL, records TEXT NOT NULL,
            island INTEGER NOT NULL, seen INTEGER NOT NULL, started REAL NOT NULL,
            PRIMARY KEY (ask, position)) WITHOUT ROWID"""
    )


def m004_people_and_events(db: sqlite3.Connection) -> None:
    """Commands, events, re-based scores, and the records (prompts, replies) beside the trials."""
    db.execute(
        """CREATE TABLE commands (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, author TEXT NOT NULL,
            verb TEXT NOT NULL, args TEXT NOT NULL, effect TEXT, after INTEGER)"""
    )
    db.execute(
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL,
            trial INTEGER, data TEXT NOT NULL)"""
    )
    db.execute(
        """CREATE TABLE rebases (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, before TEXT NOT NULL, now TEXT NOT NULL,
            factor REAL NOT NULL, data TEXT NOT NULL, after INTEGER NOT NULL)"""
    )
    db.execute(
        """CREATE TABLE records (
            trial INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
            PRIMARY KEY (trial, kind)) WITHOUT ROWID"""
    )


def m005_calls(db: sqlite3.Connection) -> None:
    """Requests to language models with what they cost, their prompts once each; opinions of a judge."""
    db.execute("CREATE TABLE prompts (sha256 TEXT PRIMARY KEY, messages TEXT NOT NULL) WITHOUT ROWID")
    db.execute(
        """CREATE TABLE calls (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, role TEXT NOT NULL, trial INTEGER,
            persona TEXT NOT NULL, model TEXT NOT NULL, served TEXT NOT NULL,
            prompt_sha256 TEXT NOT NULL, settings TEXT NOT NULL, reply TEXT, finish TEXT NOT NULL,
            tokens_in INTEGER, tokens_cached INTEGER, tokens_out INTEGER, dollars REAL,
            estimated INTEGER NOT NULL, latency REAL NOT NULL, attempts INTEGER NOT NULL,
            error TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX calls_by_trial ON calls (trial)")
    db.execute(
        """CREATE TABLE opinions (
            trial INTEGER NOT NULL, judge TEXT NOT NULL, at REAL NOT NULL, opinion TEXT NOT NULL,
            PRIMARY KEY (trial, judge)) WITHOUT ROWID"""
    )


def m006_call_states(db: sqlite3.Connection) -> None:
    """How far each request came: ``asked`` (sent), ``answered``, ``failed``, ``lost`` (by a kill)."""
    db.execute("ALTER TABLE calls ADD COLUMN state TEXT NOT NULL DEFAULT 'answered'")
    db.execute("UPDATE calls SET state = 'failed' WHERE error <> ''")


MIGRATIONS: tuple[Migration, ...] = (
    m001_run,
    m002_trials,
    m003_drafts,
    m004_people_and_events,
    m005_calls,
    m006_call_states,
)


def names() -> list[str]:
    """Names of all steps, in order."""
    return [step.__name__ for step in MIGRATIONS]


def migrate(db: sqlite3.Connection) -> None:
    """Apply what is missing; must run inside a transaction."""
    db.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) WITHOUT ROWID")
    done = {name for (name,) in db.execute("SELECT name FROM migrations")}
    for step in MIGRATIONS:
        if step.__name__ not in done:
            step(db)
            db.execute("INSERT INTO migrations VALUES (?)", (step.__name__,))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")

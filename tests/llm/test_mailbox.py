"""MailboxClient: files in, files out, safe against time-outs and restarts."""

import asyncio
import os
from pathlib import Path

import pytest

from kernelevo.errors import BadSetting
from kernelevo.llm import MailboxClient, Message, ReplyTimeout

ASK = [Message("system", "you are kind"), Message("user", "write a program")]


class World:
    """A clock that moves when somebody sleeps, and things that happen at given times."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list = []

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds
        while self.events and self.events[0][0] <= self.now:
            self.events.pop(0)[1]()

    def client(self, folder, **settings) -> MailboxClient:
        return MailboxClient(folder, sleep=self.sleep, clock=lambda: self.now, **settings)


def only_prompt(folder):
    (prompt,) = folder.glob("prompt-*.md")
    return prompt


def answer(folder, text):
    prompt = only_prompt(folder)
    prompt.with_name("reply" + prompt.name.removeprefix("prompt")).write_text(text)


def complete(client, **settings):
    return asyncio.run(client.complete(ASK, model="any", **settings))


def test_prompt_out_reply_in(tmp_path):
    world = World()
    world.events = [(5, lambda: answer(tmp_path, "here"))]
    client = world.client(tmp_path)
    reply = complete(client, seed=1)
    assert reply.text == "here" and reply.usage.tokens_in is None
    assert reply.latency >= 5
    prompt = only_prompt(tmp_path).read_text()
    assert "write a program" in prompt and "reply-" in prompt


def test_a_file_still_growing_is_left_alone(tmp_path):
    world = World()
    world.events = [
        (1, lambda: answer(tmp_path, "")),
        (2, lambda: answer(tmp_path, "half")),
        (2.5, lambda: answer(tmp_path, "half and half")),
    ]
    assert complete(world.client(tmp_path)).text == "half and half"


def test_timeout_leaves_the_prompt_and_a_later_ask_finds_the_reply(tmp_path):
    world = World()
    client = world.client(tmp_path, timeout=10)
    with pytest.raises(ReplyTimeout, match="reply"):
        complete(client, seed=1)
    prompt = only_prompt(tmp_path)
    answer(tmp_path, "late")
    assert complete(World().client(tmp_path, timeout=10), seed=1).text == "late"
    assert only_prompt(tmp_path) == prompt


def test_an_interrupted_run_asks_nothing_twice(tmp_path):
    world = World()

    async def interrupted():
        task = asyncio.create_task(world.client(tmp_path).complete(ASK, model="any", seed=1))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    first = only_prompt(tmp_path)
    stamp = first.stat().st_mtime_ns
    answer(tmp_path, "ok")
    assert complete(World().client(tmp_path), seed=1).text == "ok"
    assert only_prompt(tmp_path).stat().st_mtime_ns == stamp


def test_another_seed_is_another_prompt(tmp_path):
    for seed in (1, 2):
        with pytest.raises(ReplyTimeout):
            complete(World().client(tmp_path, timeout=1), seed=seed)
    assert len(list(tmp_path.glob("prompt-*.md"))) == 2
    assert not list(tmp_path.glob(".*"))


def test_bytes_that_are_no_text(tmp_path):
    with pytest.raises(ReplyTimeout):
        complete(World().client(tmp_path, timeout=1))
    prompt = only_prompt(tmp_path)
    prompt.with_name("reply" + prompt.name.removeprefix("prompt")).write_bytes(b"\xff\xfe ok")
    assert "ok" in complete(World().client(tmp_path)).text


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="mailbox"):
        MailboxClient(tmp_path / "file" / "box")


def test_a_reply_to_no_prompt_and_a_second_reply_are_told_once_and_never_lost(tmp_path):
    world, told = World(), []
    stray = tmp_path / "reply-0123456789abcdef.md"
    stray.write_text("to whom?")
    (tmp_path / "reply.txt").write_text("no name")

    def twice():
        answer(tmp_path, "first")
        prompt = only_prompt(tmp_path)
        second = "reply" + prompt.stem.removeprefix("prompt") + " (1).md"
        prompt.with_name(second).write_text("second")

    world.events = [(3, twice)]
    client = world.client(tmp_path)
    client.notice = told.append
    assert complete(client, seed=1).text == "first"
    complete(client, seed=1)
    assert len(told) == 3 and stray.read_text() == "to whom?"
    assert sum("no prompt" in text for text in told) == 2
    assert sum("second reply" in text and "(1)" in text for text in told) == 1


def test_a_reply_whose_name_ends_otherwise_is_found_if_it_is_the_only_one(tmp_path):
    world = World()

    def odd():
        prompt = only_prompt(tmp_path)
        prompt.with_name("reply" + prompt.stem.removeprefix("prompt") + ".txt").write_text("here")

    world.events = [(3, odd)]
    client = world.client(tmp_path)
    assert complete(client).text == "here"


@pytest.mark.parametrize("ending", [".md.tmp", ".md.part", ".md~", ".md.crdownload"])
def test_what_is_still_being_written_under_another_name_is_left_alone(tmp_path, ending):
    world, told = World(), []

    def begin():
        prompt = only_prompt(tmp_path)
        prompt.with_name("reply" + prompt.stem.removeprefix("prompt") + ending).write_text("half")

    world.events = [(2, begin), (9, lambda: answer(tmp_path, "half and half"))]
    client = world.client(tmp_path)
    client.notice = told.append
    reply = complete(client)
    assert reply.text == "half and half" and reply.latency >= 9 and told == []


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_replies_as_editors_write_them(tmp_path, coding):
    with pytest.raises(ReplyTimeout):
        complete(World().client(tmp_path, timeout=1))
    prompt = only_prompt(tmp_path)
    text = "```python\nx = 'é'\n```"
    raw = ("\ufeff" * (coding == "utf-16-be") + text).encode(coding)
    prompt.with_name("reply" + prompt.name.removeprefix("prompt")).write_bytes(raw)
    assert complete(World().client(tmp_path)).text == text


def second_name(folder, ending=" (1).md"):
    prompt = only_prompt(folder)
    return prompt.with_name("reply" + prompt.stem.removeprefix("prompt") + ending)


@pytest.fixture
def listed(monkeypatch):
    """Every listing of a folder."""
    seen, listdir = [], os.listdir

    def counting(folder):
        seen.append(folder)
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", counting)
    monkeypatch.setattr(type(Path()), "glob", None)  # nor any other way
    return seen


def test_a_folder_in_which_nothing_happens_is_not_listed_at_each_look(tmp_path, listed):
    for number in range(30):
        for kind in ("prompt", "reply"):
            (tmp_path / f"{kind}-{number:016x}.md").write_text("of another ask")
    world, told = World(), []
    client = world.client(tmp_path, timeout=120)
    client.notice = told.append
    with pytest.raises(ReplyTimeout):
        complete(client)
    assert 1 <= len(listed) <= 10 and told == []  # of 240 looks
    (name,) = {path.name for path in tmp_path.iterdir() if path.read_text() != "of another ask"}
    before = len(listed)

    def late():
        stamp = tmp_path.stat()
        (tmp_path / name.replace("prompt", "reply")).write_text("here")
        os.utime(tmp_path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as if it had not changed

    world.events = [(world.now + 20, late)]
    reply = complete(client)
    assert reply.text == "here" and reply.latency <= 22 and len(listed) - before <= 10


@pytest.mark.parametrize(("at", "within"), [(0.5, 1.5), (1.5, 2.5), (40, 72)])
def test_a_reply_whose_folder_keeps_its_time_is_found_too(tmp_path, at, within):
    """Within a tick of the file system's clock at the next look; else by a look that goes by no time."""
    world = World()

    def odd():
        stamp = tmp_path.stat()
        second_name(tmp_path, ".txt").write_text("here")
        os.utime(tmp_path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    world.events = [(at, odd)]
    reply = complete(world.client(tmp_path))
    assert reply.text == "here" and at + 1 <= reply.latency <= within


def test_an_odd_name_that_is_written_long_after_it_was_made_is_found(tmp_path):
    world, told = World(), []
    stray = tmp_path / "reply to you.md"
    world.events = [
        (1, lambda: (second_name(tmp_path, ".txt").touch(), stray.touch())),
        (10, lambda: stray.write_text("to whom?")),
        (20, lambda: second_name(tmp_path, ".txt").write_text("here")),
    ]
    client = world.client(tmp_path)
    client.notice = told.append
    reply = complete(client)
    assert reply.text == "here" and 21 <= reply.latency <= 22
    assert len(told) == 1 and "reply to you.md" in told[0]

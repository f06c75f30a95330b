"""The pages without a browser: that every one of them is made, and what its fields and buttons do."""

import asyncio
import contextlib
import importlib
import math
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User, user_simulation

from kernelevo import api
from kernelevo.core import Evaluation, Fault, Origin, Program, Task, Trial
from kernelevo.dashboard import views
from kernelevo.dashboard.hub import Hub
from kernelevo.dashboard.pages import register
from kernelevo.dashboard.server import open_hub
from kernelevo.errors import RunNotFound
from kernelevo.store import RunStore

pytestmark = pytest.mark.filterwarnings("ignore")
EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>"
SURROGATE = "l\udce4ufe"
PAGES = ("", "/programs", "/failures", "/steering", "/about", "/trial/0", "/trial/1", "/trial/2", "/trial/9",
         "/diff?a=0&b=1")  # fmt: skip
CPP = {"part.hpp": "int part();\n", "program.cpp": "int main() { return 0; }\n"}


@contextlib.asynccontextmanager
async def looking(folder: Path) -> AsyncIterator[tuple[User, Hub]]:
    async with user_simulation() as user:
        hub = Hub(folder)
        register(hub)
        yield user, hub
        hub.close()


def look(folder: Path, what: Callable[[User, Hub], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with looking(folder) as (user, hub):
            return await what(user, hub)

    ours = {name: module for name, module in sys.modules.items() if name.startswith("kernelevo")}
    try:
        return asyncio.run(go())
    finally:  # the simulation forgets the modules of pages: others would get new copies of them
        sys.modules.update(ours)


def strange(folder: Path) -> Path:
    """A run whose texts, names and numbers are as odd as they may be."""
    details = {"tuned": {"LIMIT": math.inf}, "hints": [1], "draw": {"diversity": 0.5}}
    origin = Origin(f"llm {EVIL}", f"{EVIL} \ud800", details)
    task = Task(f"{SURROGATE}/{EVIL}.py:t", f"{EVIL} {SURROGATE}", (Program.single("s"),), "none")
    settings = {"out": SURROGATE, "proposers": [EVIL]}
    with RunStore.create(folder, task, settings) as store:
        store.append_command(EVIL, "hint", {"text": EVIL})
        first = Program.single(f"# {EVIL}\n" * 3000, origin=origin)
        store.record(
            Trial(0, first, Evaluation.ok(-1e300, latency_ms=0.0, odd=math.nan, words=EVIL)),
            records={"prompt": [{"role": "user", "content": EVIL}], "reply": f"{EVIL} \ud800"},
        )
        second = Program(CPP, "cpp", (first.id,), origin)
        store.record(Trial(1, second, Evaluation.wrong(f"{EVIL} \ud800 {'long ' * 20_000}")))
        broken = Program.single("", parents=(first.id,), origin=origin)
        store.record(Trial(2, broken, fault=Fault(EVIL, EVIL)))
        store.append_event("complaint", {"text": EVIL})
    return folder


def test_a_folder_that_is_not_there_is_refused_and_one_that_goes_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="there is no folder"):
        open_hub(tmp_path / "rnus", None)
    strange(tmp_path / "runs" / "mine")

    async def checks(user: User, hub: Hub) -> None:
        for words in ("/run/mine", "there is no folder"):
            await user.open("/")
            assert any(words in element.content for element in user.find(ui.html).elements)
            if (tmp_path / "runs").exists():
                (tmp_path / "runs").rename(tmp_path / "elsewhere")

    look(tmp_path / "runs", checks)


def test_every_page_of_a_strange_run_is_made_and_nothing_of_it_is_markup(tmp_path: Path) -> None:
    strange(tmp_path / "runs" / "one")

    async def visit(user: User, hub: Hub) -> None:
        for page in ("/", *(f"/run/one{page}" for page in PAGES)):
            await user.open(page)
            shown = [element.content for element in user.find(ui.html).elements]
            assert shown and not any("<img" in text or "<script" in text for text in shown), page

    look(tmp_path / "runs", visit)


def test_a_program_of_several_files_in_cpp_is_edited_and_sent_as_it_is(tmp_path: Path) -> None:
    folder = strange(tmp_path / "runs" / "one")

    async def edit(user: User, hub: Hub) -> None:
        await user.open("/run/one/trial/1")
        (box,) = user.find(ui.codemirror).elements
        (file,) = user.find(marker="file").elements
        assert box.value == CPP["part.hpp"] and box.language == "C++"
        box.set_value("int part(int);\n")
        file.set_value("program.cpp")
        assert box.value == CPP["program.cpp"]
        user.find(marker="submit").click()
        await asyncio.sleep(0.3)

    look(tmp_path / "runs", edit)
    sent = api.orders(folder)[-1]
    assert sent["verb"] == "submit" and sent["args"] == {
        "files": {"part.hpp": "int part(int);\n", "program.cpp": CPP["program.cpp"]},
        "language": "cpp",
        "parents": ["#1"],
    }


def test_how_long_ago_something_was_is_told_again_though_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("kernelevo.dashboard.pages.frame"), "AGAIN", 0.2)
    strange(tmp_path / "runs" / "one")

    async def wait(user: User, hub: Hub) -> None:
        await user.open("/run/one")
        monkeypatch.setattr(views, "ago", lambda then: "much later")
        for _ in range(100):
            await asyncio.sleep(0.05)
            if any("much later" in element.content for element in user.find(ui.html).elements):
                return
        raise AssertionError("it still says what it said at first")

    look(tmp_path / "runs", wait)


def test_what_can_be_chosen_grows_with_the_run(tmp_path: Path) -> None:
    task = Task("toy", "", (Program.single("s"),), "none")

    async def wait(user: User, hub: Hub) -> tuple[list[str], list[str]]:
        await user.open("/run/one/programs")
        (status,), (maker,) = (user.find(marker=name).elements for name in ("status", "maker"))
        assert status.options == ["any verdict"] and maker.options == ["anybody"]
        store.record(Trial(0, Program.single("v0", origin=Origin("llm")), Evaluation.wrong("no")))
        for _ in range(100):
            hub.look()
            await asyncio.sleep(0.05)
            if len(status.options) > 1:
                break
        return status.options, maker.options

    with RunStore.create(tmp_path / "runs" / "one", task, {}) as store:
        assert look(tmp_path / "runs", wait) == (["any verdict", "wrong"], ["anybody", "llm"])


def test_a_refuted_winner_says_so_at_the_head_of_its_page(tmp_path: Path) -> None:
    folder = strange(tmp_path / "runs" / "one")
    with RunStore.open(folder) as store:
        store.append_event("final", Evaluation.wrong(f"differs {EVIL}").to_json(), trial=0)

    async def visit(user: User, hub: Hub) -> None:
        await user.open("/run/one/trial/0")
        shown = [element.content for element in user.find(ui.html).elements]
        (head,) = [text for text in shown if text.startswith("<h1>#0")]
        assert "judged again in fresh processes" in head and "wrong" in head
        assert any("differs &lt;img" in text for text in shown) and not any("<img" in text for text in shown)

    look(tmp_path / "runs", visit)

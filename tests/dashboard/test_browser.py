"""A real Chromium drives the page: through a live run, and against those who should not get in."""

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kernelevo.core import Evaluation, Origin, Program, Task, Trial
from kernelevo.store import RunStore
from tests.dashboard import browser as chrome
from tests.dashboard.live import EVIL, START

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(chrome.missing()), reason=chrome.missing())]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0


def start(*words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, *words],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stderr
    process.stderr.close()


class Server:
    """`kernelevo serve` in a process of its own."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.process = start("-m", "kernelevo", "serve", str(folder), *(more or ("--port", "0")))
        assert self.process.stderr
        line = self.process.stderr.readline()
        found = re.search(r"(http://\S+?)(?:\?token=(\S+))?$", line.strip())
        assert found, line + self.process.stderr.read()
        self.base, self.token = found[1].rstrip("/"), found[2]
        self.run = f"{self.base}/run/{folder.name}"
        self.api = f"{self.base}/api/runs/{folder.name}"
        wait_for(self.answers, "the server answers")

    def answers(self) -> bool:
        try:
            self.get("")
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def get(self, path: str, **headers: str) -> Any:
        request = urllib.request.Request(self.api + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def close(self) -> None:
        end(self.process)


def wait_for(what: Callable[[], Any], name: str, seconds: float = PATIENCE) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"within {seconds:.0f} s it did not happen that {name}")


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with chrome.chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("live") / "tile-search"
    run = start("-m", "tests.dashboard.live", str(folder), "--budget", "20m", "--seconds", "0.25")
    wait_for((folder / "run.db").exists, "the run begins")
    yield folder
    end(run)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    yield server
    server.close()


def text_of(driver: Any, selector: str) -> str:
    return str(driver.execute_script(f"return document.querySelector({selector!r})?.innerText || ''"))


def click(driver: Any, words: str) -> None:
    """Click the button or the expansion that says this."""
    script = (
        "const w=arguments[0];const all=[...document.querySelectorAll('button,.q-expansion-item .q-item')];"
        "const b=all.filter(e=>e.innerText.trim().startsWith(w)&&e.offsetParent).pop();"
        "if(b)b.click();return !!b"
    )
    wait_for(lambda: driver.execute_script(script, words), f"there is a button {words!r}")


def write(driver: Any, selector: str, words: str) -> None:
    from selenium.webdriver.common.by import By

    wait_for(lambda: driver.find_elements(By.CSS_SELECTOR, selector), f"there is {selector}")
    driver.find_elements(By.CSS_SELECTOR, selector)[-1].send_keys(words)


def test_a_new_best_arrives_on_the_open_page(driver: Any, tmp_path: Path) -> None:
    task = Task("by hand", "", (Program.single(START),), "none")
    with RunStore.create(tmp_path / "hand", task, {"budget": "9"}) as store:
        server = Server(tmp_path / "hand")
        try:
            driver.get(server.run)
            wait_for(lambda: text_of(driver, ".tile.lead"), "the page is there")
            assert "nothing correct yet" in text_of(driver, ".tile.lead")
            driver.execute_script("window.stayed = true")
            waits = []
            for number, score in enumerate((1.25, 2.5, 3.75)):
                began = time.monotonic()
                store.record(Trial(number, Program.single(f"v{number}"), Evaluation.ok(score)))
                wait_for(lambda s=score: text_of(driver, ".tile.lead b") == f"{s:.4g}", "the best is shown")
                waits.append(time.monotonic() - began)
            print(f"shown after {', '.join(f'{1000 * w:.0f} ms' for w in waits)}")
            assert min(waits) < 2.0  # on a quiet machine below 0.5
            assert driver.execute_script("return window.stayed") is True  # the page was not loaded again
            assert "#2" in text_of(driver, ".t")
        finally:
            server.close()


def test_what_changed_can_be_read(driver: Any, server: Server) -> None:
    def child() -> Any:
        rows = server.get("/trials?sort=score&status=ok&limit=50")["trials"]
        return next((r for r in rows if r["proposer"] in ("llm", "tune")), None)

    row = wait_for(child, "somebody proposed something")
    parent = server.get(f"/trials/{row['number']}")["made_from"][0]
    changes = server.get(f"/diff?a={parent}&b={row['number']}")
    changed = next(r for r in changes["rows"] if r["kind"] == "changed")
    driver.get(f"{server.run}/trial/{row['number']}")
    shown = wait_for(lambda: text_of(driver, ".diff .changed"), "the difference is shown")
    assert changed["left"] in shown and changed["right"] in shown
    driver.get(f"{server.run}/diff?a={parent}&b={row['number']}")
    assert changed["right"] in wait_for(lambda: text_of(driver, ".diff .changed"), "they stand side by side")


def test_a_hint_is_seen_in_the_next_prompt(driver: Any, server: Server) -> None:
    driver.get(server.run)
    words = "try a tile near 64 <b>now</b>"
    click(driver, "Hint")
    write(driver, ".ask textarea", words)
    click(driver, "Give the hint")

    def carried() -> Any:
        return next((o for o in server.get("/orders") if o["verb"] == "hint" and o.get("carried")), None)

    order = wait_for(carried, "a brief carried the hint")
    assert order["args"] == {"text": words} and "best_before" in order
    trial = server.get(f"/trials/{order['carried'][0]}")
    assert words in trial["records"]["prompt"][1]["content"]
    driver.get(f"{server.run}/trial/{trial['number']}")
    click(driver, "prompt")
    wait_for(lambda: words in text_of(driver, "main"), "the prompt with the hint is shown")
    driver.get(f"{server.run}/steering")
    wait_for(lambda: "briefs:" in text_of(driver, ".order"), "its effect is shown")


def test_a_program_is_edited_submitted_and_judged(driver: Any, server: Server) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(f"{server.run}/trial/0")
    write(driver, ".cm-content", Keys.CONTROL + "a")
    write(driver, ".cm-content", f"# {EVIL}\nTILE = 63\nUNROLL = 6\nVECTOR = 15\n")
    time.sleep(0.5)
    click(driver, "Submit to the run")

    def judged() -> Any:
        return next((o for o in server.get("/orders") if o["verb"] == "submit" and o.get("trial")), None)

    order = wait_for(judged, "it was judged")
    trial = server.get(f"/trials/{order['trial']}")
    assert trial["status"] == "ok" and trial["score"] > 3 and trial["made_from"] == [0]
    assert trial["program"]["origin"]["proposer"] == "person"
    driver.get(f"{server.run}/trial/{order['trial']}")
    wait_for(lambda: "submitted by" in text_of(driver, "main"), "it is marked as a person's")
    assert "onerror=" in text_of(driver, ".code")  # shown
    assert driver.title != "owned"  # and never run


def test_script_in_feedback_is_shown_and_never_run(driver: Any, server: Server) -> None:
    wait_for(lambda: server.get("/trials?status=ok")["total"], "the run goes on")
    request = urllib.request.Request(
        f"{server.api}/orders",
        json.dumps({"verb": "submit", "args": {"source": "TILE=500\nUNROLL=1\nVECTOR=1\n"}}).encode(),
        {"content-type": "application/json"},
    )
    urllib.request.urlopen(request).close()
    wait_for(lambda: server.get("/trials?status=wrong")["total"], "it is refused")
    number = server.get("/trials?status=wrong")["trials"][0]["number"]
    for page in ("/failures", f"/trial/{number}", "/programs", "/steering", ""):
        driver.get(server.run + page)
        wait_for(lambda: text_of(driver, "main"), "the page is there")
        time.sleep(0.4)
        assert driver.title.endswith("kernelevo"), page
    driver.get(f"{server.run}/failures")
    wait_for(lambda: "<script>document.title" in text_of(driver, "main"), "the words are shown as they are")


def test_pause_and_resume(driver: Any, server: Server) -> None:
    driver.get(server.run)
    click(driver, "Pause")
    wait_for(lambda: "paused" in text_of(driver, ".state"), "it says that it is paused")
    time.sleep(1.5)  # what is in flight is finished
    count = server.get("")["trials"]
    time.sleep(1.5)
    assert server.get("")["trials"] == count
    click(driver, "Resume")
    wait_for(lambda: "running" in text_of(driver, ".state"), "it says that it is running")
    wait_for(lambda: server.get("")["trials"] > count, "it goes on")


def test_the_server_may_be_restarted_in_mid_run(driver: Any, server: Server, folder: Path) -> None:
    port = server.base.rsplit(":", 1)[1]
    driver.get(server.run)
    wait_for(lambda: text_of(driver, ".tile:nth-child(2) b"), "the page is there")
    server.close()
    before = _count(folder)
    wait_for(lambda: _count(folder) > before, "the run goes on without a page")
    again = Server(folder, "--port", port)
    server.process = again.process
    shown = "return parseInt(document.querySelector('.tile:nth-child(2) b')?.innerText.replace(',', '') || 0)"
    wait_for(lambda: driver.execute_script(shown) > before, "the open page catches up", 90)


def _count(folder: Path) -> int:
    with RunStore.open(folder, readonly=True) as store:
        return store.count()


def test_nothing_is_loaded_from_elsewhere(driver: Any, server: Server) -> None:
    driver.get_log("performance")
    for page in ("", "/trial/0", "/steering"):
        driver.get(server.run + page)
        wait_for(lambda: text_of(driver, "main"), "the page is there")
        time.sleep(0.5)
    urls = {
        message["params"]["request"]["url"]
        for entry in driver.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
    }
    assert urls and not [u for u in urls if not u.startswith((server.base, "data:", "blob:"))]


def test_a_wrong_token_sees_nothing(driver: Any, folder: Path) -> None:
    server = Server(folder, "--port", "0", "--host", "0.0.0.0", "--token", "right")
    try:
        for token in ("", "?token=wrong"):
            driver.get(server.run + token)
            assert "a token is needed" in text_of(driver, "body") and "tile-search" not in text_of(
                driver, "body"
            )
        with pytest.raises(urllib.error.HTTPError, match="401"):
            server.get("")
        assert server.get("", authorization="Bearer right")["name"] == "tile-search"
        driver.get(server.run + "?token=right")
        wait_for(lambda: text_of(driver, ".tile.lead"), "the page is there")
        assert "token" not in driver.current_url
    finally:
        server.close()


def test_a_page_of_a_stranger_changes_nothing(driver: Any, server: Server, tmp_path: Path) -> None:
    port = server.base.rsplit(":", 1)[1]
    attack = f"""<script>
    window.said = [];
    for (const type of ['text/plain', 'application/json'])
      fetch('http://127.0.0.1:{port}/api/runs/tile-search/orders', {{method: 'POST', mode: 'no-cors',
        headers: type === 'text/plain' ? {{'content-type': type}} : {{}},
        body: '{{"verb": "stop"}}'}}).then(r => said.push(r.type), e => said.push('failed'));
    fetch('http://127.0.0.1:{port}/api/runs').then(r => said.push('read'), e => said.push('unread'));
    const s = new WebSocket('ws://127.0.0.1:{port}/_nicegui_ws/socket.io/?EIO=4&transport=websocket');
    s.onopen = () => said.push('open'); s.onerror = () => said.push('shut');
    </script>"""
    (tmp_path / "index.html").write_text(attack)
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    stranger = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: handler(*a, directory=str(tmp_path))
    )
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    before = len(server.get("/orders"))
    try:
        driver.get(f"http://localhost:{stranger.server_port}/index.html")
        said = wait_for(
            lambda: (s := driver.execute_script("return window.said")) and len(s) >= 4 and s, "it tried"
        )
        assert "read" not in said and "open" not in said and "shut" in said
        assert len(server.get("/orders")) == before
    finally:
        stranger.shutdown()
        stranger.server_close()


def test_ten_thousand_trials_are_on_the_screen_at_once(driver: Any, tmp_path: Path) -> None:
    folder = tmp_path / "long"
    fill(folder, 10_000)
    server = Server(folder)
    try:
        times = []
        paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime || 0"
        for _ in range(3):
            driver.get(server.run)
            wait_for(lambda: text_of(driver, ".tile.lead b") not in ("", "–"), "figures are shown")
            times.append(wait_for(lambda: driver.execute_script(paint), "something is painted"))
        print(f"first paint after {', '.join(f'{t:.0f} ms' for t in times)}")
        assert min(times) < 3000  # on a quiet machine below 1000
        assert "10,000" in text_of(driver, ".tile:nth-child(2)")
        size = driver.execute_script("return performance.getEntriesByType('navigation')[0].encodedBodySize")
        assert size < 400_000
    finally:
        server.close()


def fill(folder: Path, count: int) -> None:
    """Write a long run in one transaction."""
    from kernelevo.store.rows import TRIAL_COLUMNS, trial_row

    task = Task("long", "", (Program.single(START),), "none")
    with RunStore.create(folder, task, {"budget": "10000"}) as store:
        rows, programs, last = [], [], ()
        for n in range(count):
            details = {"draw": {"diversity": 0.5, "temperature": 1.0, "effective_parents": 3.0}}
            origin = Origin("llm", f"idea {n}", details)
            program = Program.single(f"TILE = {n}\n" + START, parents=last, origin=origin)
            verdict = Evaluation.wrong(f"off by {n}") if n % 3 else Evaluation.ok(n**0.5, latency_ms=1.0)
            last = (program.id,) if n % 3 == 0 else last
            rows.append(trial_row(Trial(n, program, verdict, island=n % 5)))
            programs.append((program.id, "python", json.dumps(dict(program.files))))
        with store._write() as db:
            db.executemany("INSERT INTO programs VALUES (?, ?, ?)", programs)
            marks = ", ".join("?" * len(TRIAL_COLUMNS.split(",")))
            db.executemany(f"INSERT INTO trials ({TRIAL_COLUMNS}) VALUES ({marks})", rows)
        store.set_state("done")

"""Calling candidates: answers are plain data, every misbehaviour is a verdict, nothing of ours is touched."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kernelevo.core import Program, Status
from kernelevo.errors import SandboxError
from kernelevo.evaluators import (
    ProgramFailed,
    attempt,
    call,
    converse,
    execute,
    load,
    native_program,
    task_of,
)
from kernelevo.evaluators.deadline import OutOfTime
from kernelevo.sandbox.plain_zygote import plain_zygote

single = Program.single


def cpp(text):
    return Program({"program.cpp": text}, "cpp")


def test_a_function_is_called_with_plain_data():
    program = single("import numpy as np\ndef solve(a, b, *, c):\n    return {'x': a * b, 'y': (c, None)}\n")
    answer = call(program, args=(np.arange(3), 2.0), kwargs={"c": 10**30})
    assert np.array_equal(answer["x"], [0.0, 2.0, 4.0]) and answer["y"] == (10**30, None)


def test_a_program_of_several_files():
    entry = "from parts.inner import f\ndef solve():\n    return f()\n"
    program = Program({"program.py": entry, "parts/inner.py": "def f(): return 5\n"})
    assert call(program) == 5


# misbehaviour -> status, and words of the feedback
BAD = {
    "x = 1": (Status.BUILD_FAILED, "no function 'solve'"),
    "def solve(:": (Status.BUILD_FAILED, "SyntaxError"),
    "import no_such_module": (Status.BUILD_FAILED, "ModuleNotFoundError"),
    "def solve():\n    raise ValueError('boo')": (Status.CRASHED, "boo"),
    "def solve():\n    while True: pass": (Status.TIMED_OUT, "within 0.6 s"),
    "import os\ndef solve():\n    os._exit(0)": (Status.CRASHED, "exited without an answer"),
    "def solve():\n    raise SystemExit(3)": (Status.CRASHED, "called exit"),
    "import ctypes\ndef solve():\n    ctypes.string_at(0)": (Status.CRASHED, "SIGSEGV"),
    "def solve():\n    return len(bytearray(3 << 30))": (Status.CRASHED, "out of memory"),
    "import os\ndef solve():\n    while True: os.fork()": (Status.CRASHED, "PermissionError"),
    "import subprocess\ndef solve():\n    subprocess.run(['ls'])": (Status.CRASHED, "PermissionError"),
    "import socket\ndef solve():\n    socket.socket()": (Status.CRASHED, "PermissionError"),
    "def solve():\n    return 'x' * (9 << 20)": (Status.WRONG, "more than 8388608"),
    "def solve():\n    return [object()]": (Status.WRONG, r"it returns[0] is a builtins.object"),
    "import os\ndef solve():\n    os.write(3, b'garbage' * 9)": (Status.WRONG, "cannot be read"),
}


@pytest.mark.parametrize("text", BAD, ids=[status for status, _ in BAD.values()])
def test_misbehaviour_is_a_verdict(text):
    status, words = BAD[text]
    began = time.monotonic()
    outcome = attempt(single(text), timeout=0.6)
    assert (outcome.status, outcome.value) == (status, None)
    assert words in outcome.error and time.monotonic() - began < 5.0
    verdict = outcome.verdict()
    assert verdict.status is status and verdict.feedback == outcome.error and verdict.score is None


def test_a_forged_message_is_data_and_no_more():
    forged = '{"value":{"~":"array","v":["float64",[1099511627776],"AAAA"]}}'
    text = f"import os, struct\nB = b'{forged}'\ndef solve():\n"
    text += "    os.write(3, struct.pack('<IB', len(B), 0) + B)"
    outcome = attempt(single(text))
    assert outcome.status is Status.WRONG and "does not have 3 bytes" in outcome.error


@pytest.mark.parametrize(
    ("forged", "words"),
    [
        ("{'failed': ['call']}", "not a message of ours"),
        ("{'failed': {'call': 1}}", "not a message of ours"),
        ("{'failed': 'call', 'kind': 1, 'said': ['no'], 'text': None}", "the program raised: "),
        ("{'failed': 'call', 'said': '\\ud800' * 1_500_000}", "the program raised: ???"),
    ],
)
def test_a_forged_failure_is_words_and_no_more(forged, words):
    """An exception here would be taken for a machine that broke, and all of the words would be kept."""
    text = f"import json, os, struct\nB = json.dumps({forged}).encode()\ndef solve():\n"
    text += "    os.set_blocking(3, True)\n    left = struct.pack('<IB', len(B), 0) + B\n"
    text += "    while left:\n        left = left[os.write(3, left):]"
    outcome = attempt(single(text))
    assert not outcome.ok and words in outcome.error and len(outcome.error) < 20_000


def test_a_folder_that_is_too_full_is_named():
    text = "import time\ndef solve():\n    for n in range(4): open(f'{n}', 'wb').write(bytes(60 << 20))\n"
    outcome = attempt(single(f"{text}    time.sleep(60)"), timeout=40.0)
    assert outcome.status is Status.CRASHED and "more than 128 MiB" in outcome.error


def test_the_users_files_cannot_be_read(tmp_path):
    answers = tmp_path / "answers.txt"
    answers.write_text("42")
    answers.chmod(0o666)
    here = Path(__file__)
    for path in (answers, here, Path.cwd() / "README.md"):
        outcome = attempt(single(f"def solve():\n    return open({str(path)!r}).read()"))
        assert outcome.status is Status.CRASHED and "PermissionError" in outcome.error
    assert attempt(single("import os\ndef solve():\n    return dict(os.environ)")).value.get(
        "PYTHONPATH"
    ) == str(here.parents[2])


def test_a_key_of_ours_is_not_in_its_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert "secret" not in str(call(single("import os\ndef solve():\n    return dict(os.environ)")))


def test_files_in_and_out():
    text = (
        "import os\ndef solve():\n    open('a.csv', 'w').write(open('in.txt').read() * 2)\n"
        "    os.symlink('/etc/passwd', 'link'); os.mkdir('folder')\n"
    )
    outcome = attempt(single(text), files={"in.txt": "yo"}, collect=("a.csv", "link", "folder", "none"))
    assert outcome.ok and outcome.files == {"a.csv": b"yoyo"}


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "answers.csv").write_text("42")
    text = (
        f"import os\ndef solve():\n    os.symlink({str(tmp_path)!r}, 'out')\n"
        "    os.mkdir('own'); open('own/answers.csv', 'w').write('7')\n"
    )
    outcome = attempt(single(text), collect=("out/answers.csv", "own/answers.csv"))
    assert outcome.ok and outcome.files == {"own/answers.csv": b"7"}


def test_the_traceback_shows_the_programs_own_lines_only():
    text = "def inner():\n    return 1 / 0\ndef solve():\n    return inner()\n"
    first, second = attempt(single(text)), attempt(single(text))
    assert first.error == second.error  # no name of a temporary folder
    assert 'File "program.py", line 2, in inner' in first.error and "guest.py" not in first.error
    broken = [attempt(single("x = 1\ndef solve(:\n")).error for _ in range(2)]
    assert broken[0] == broken[1] and 'File "program.py", line 2' in broken[0]


SUM = "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b << '\\n'; }\n"


def test_cpp_reads_a_text_and_prints_one():
    assert call(cpp(SUM), args=("2 3",)) == "5\n"
    assert execute(cpp(SUM), "20 3").value == "23\n"
    with pytest.raises(ValueError, match="one text"):
        call(cpp(SUM), args=(1, 2))
    judge = load(task_of("circle_packing"))  # takes Python alone
    verdict = judge(cpp(SUM))
    assert verdict.status is Status.BUILD_FAILED and "solve() of a Python program" in verdict.feedback


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("int main() { retrn }", Status.BUILD_FAILED, "does not compile"),
        ('#include "/etc/shadow"\nint main() {}', Status.BUILD_FAILED, "does not compile"),
        ("int main() { *(volatile int*)0 = 1; }", Status.CRASHED, "SIGSEGV"),
        ("int main() { return 3; }", Status.CRASHED, "exit 3"),
        ("int main() { for (;;); }", Status.TIMED_OUT, "within 0.5 s"),
        ("int helper(); int main() { return helper(); }", Status.BUILD_FAILED, "helper"),
        ("int x;", Status.CRASHED, "defines no main"),
    ],
)
def test_cpp_that_fails(text, status, words):
    outcome = execute(cpp(text), timeout=0.5)
    assert outcome.status is status and words in outcome.error


def test_cpp_is_called_as_a_program_and_fails_as_one():
    text = '#include <cstdio>\nint main(int n, char** words) { printf("%d %s %d", n, words[0], !words[n]); }'
    assert execute(cpp(text)).value == "1 program 1"
    crash = execute(cpp('#include <cstdio>\nint main() { fputs("so far", stderr); *(volatile int*)0 = 1; }'))
    assert crash.error == "the program ended with SIGSEGV\nso far"


def test_a_script_that_raises_shows_its_own_lines_alone():
    outcome = execute(single("def inner():\n    return 1 / 0\ninner()\n"))
    assert outcome.status is Status.CRASHED and "ZeroDivisionError" in outcome.error
    assert 'File "program.py", line 2, in inner' in outcome.error
    assert "guest.py" not in outcome.error and "runpy" not in outcome.error


@pytest.mark.parametrize("run", [attempt, execute])
def test_what_is_in_no_language_of_ours_is_said_to_be(run):
    rust = run(Program({"program.rs": "fn main() {}"}, "rust"))
    assert (
        rust.status is Status.BUILD_FAILED
        and rust.error == "the program is rust; Python and C++ can be run here"
    )
    several = run(Program({"a.py": "x = 1", "b.py": "x = 2"}))
    assert several.status is Status.BUILD_FAILED and "no program.py" in several.error


def test_a_script_has_a_limit_on_what_it_prints():
    assert execute(single("print(input()[::-1])"), "abc\n").value == "cba\n"
    outcome = execute(single("print('x' * 2000)"), output_bytes=1000)
    assert outcome.status is Status.WRONG and "2001 bytes" in outcome.error
    assert execute(single("import sys\nsys.exit('no')")).status is Status.CRASHED


GUESS = """
low, high = 0, int(input())
while True:
    middle = (low + high) // 2
    print(middle, flush=True)
    said = input()
    if said == "=":
        break
    low, high = (low, middle) if said == "<" else (middle + 1, high)
print("done")
"""


def test_a_conversation():
    with converse(single(GUESS)) as talk:
        guess, asked = int(talk.ask("100")), 1
        while guess != 37:
            guess, asked = int(talk.ask("<" if guess > 37 else ">")), asked + 1
        talk.tell("=")
        outcome = talk.end()
    assert outcome.ok and outcome.value == "done\n" and asked <= 7


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("input()", Status.WRONG),
        ("while True: pass", Status.TIMED_OUT),
        ("import sys\nsys.exit(2)", Status.CRASHED),
        ("while True: print('x' * 99999, end='')", Status.WRONG),
    ],
)
def test_a_conversation_that_breaks_off(text, status):
    with pytest.raises(ProgramFailed) as caught, converse(single(text), query_seconds=0.5) as talk:
        talk.ask("hello")
        talk.ask("still there?")
    assert caught.value.outcome.status is status


TALKATIVE = """
import sys
for line in sys.stdin:
    sys.stderr.write("x" * 4_000_000)
    print(line.strip(), flush=True)
sys.stderr.write("y" * 300_000)
print("done")
"""


def test_what_is_said_beside_a_conversation_holds_it_up_at_no_time():
    began = time.monotonic()
    with converse(single(TALKATIVE), query_seconds=5.0, timeout=20.0) as talk:
        assert talk.ask("one") == "one"
        outcome = talk.end()
    assert outcome.ok and outcome.value == "done\n" and outcome.output.endswith("yyy")
    assert time.monotonic() - began < 5.0


def test_a_program_that_hangs_up_and_goes_on_is_not_late():
    text = "import os, time\nprint(input(), flush=True)\nos.close(1)\ntime.sleep(60)"
    wrong = pytest.raises(ProgramFailed, match="closed its standard")
    with wrong as caught, converse(single(text), query_seconds=20.0, timeout=20.0) as talk:
        assert talk.ask("one") == "one"
        talk.hear()
    assert caught.value.outcome.status is Status.WRONG


def test_endless_words_at_the_end_are_no_answer():
    with converse(single("input()\nwhile True: print('x' * 99_999)"), timeout=20.0) as talk:
        talk.tell("go")
        outcome = talk.end()
    assert outcome.status is Status.WRONG and "more than 8388608 bytes" in outcome.error


def test_no_folder_and_no_descriptor_stays():
    call(single("def solve(): return 1"))
    before = len(os.listdir("/proc/self/fd"))
    for text in (
        "def solve(): return 1",
        "def solve(): raise ValueError",
        "import os\ndef solve(): os._exit(1)",
        "import os\ndef solve(): os.mkdir('a.csv')",
    ):
        attempt(single(text), collect=("a.csv", "b/c.csv"))
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_object_of_another_processor_is_not_taken(tmp_path, monkeypatch):
    """Two machines may share a home, and -march=native is another thing on each."""
    built = []
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    monkeypatch.setattr(native_program, "_built", lambda *_: built.append(1) or b"object")
    program, tool = cpp("int main() { return 0; }"), native_program.compiler()
    for arch in ("-march=alderlake", "-march=alderlake", "-march=znver4"):
        monkeypatch.setattr(native_program, "compiler", lambda arch=arch: replace(tool, arch=arch))
        native_program.compiled(program, ("-march=native",))
    assert len(built) == 2


@pytest.mark.parametrize("do", [attempt, execute])
def test_a_zygote_that_is_killed_is_not_the_programs_fault(do):
    """As where the kernel kills it for want of memory: the engine tries the program again."""
    slow = single("import time\ndef solve(): time.sleep(30)\nif __name__ == '__main__': time.sleep(30)")
    threading.Timer(1.0, plain_zygote().kill).start()
    with pytest.raises(SandboxError, match="zygote of the processes that programs run in was killed"):
        do(slow, timeout=20.0)
    again = attempt(single("def solve(): return 2"))
    assert (again.status, again.value) == (Status.OK, 2)


def test_a_deadline_in_the_middle_of_a_fork_costs_that_program_alone(monkeypatch):
    zygote = plain_zygote()

    def rings(timeout):
        raise OutOfTime

    with monkeypatch.context() as late:
        late.setattr(zygote._control, "recv_fds", rings)
        with pytest.raises(OutOfTime):
            call(single("def solve(): return 1"))
    for number in (2, 3):  # an answer that was left behind would be taken for the next one
        outcome = attempt(single(f"def solve(): return {number}"))
        assert (outcome.status, outcome.value) == (Status.OK, number)

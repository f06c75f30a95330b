"""Failed: a program that failed, and what happens to a child's conversation turned into such verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kernelevo.core import Evaluation, Status
from kernelevo.device.groups import Registration
from kernelevo.errors import SandboxError
from kernelevo.kernels.faults import device_faults, rules
from kernelevo.kernels.faults.rules import Refusal, quoted
from kernelevo.kernels.programs.compiled_code import NEW_CODE, wanted_new
from kernelevo.sandbox.channel import PeerClosed, PeerFault, PeerTimeout
from kernelevo.sandbox.child import Child
from kernelevo.sandbox.orphans import orphan

NO_ANSWER = "the program's process sent something that is no answer"
_LOG = 30_000  # characters


class Failed(Exception):
    """A program failed; carries the verdict, and the process that it failed in. Never leaves the judge.

    Args:
        status: of the verdict.
        refusal: what was seen, why it counts, what an honest program does; of a trusted subject what was
            seen is enough.
        log: what the process printed.
        pid: the process.
    """

    def __init__(self, status: Status, refusal: Refusal | str, log: str = "", pid: int | None = None) -> None:
        self.saw = quoted(refusal.saw if isinstance(refusal, Refusal) else refusal)
        self.feedback = str(refusal) if isinstance(refusal, Refusal) else self.saw
        super().__init__(self.feedback)
        self.status, self.log, self.pid = status, log[-_LOG:], pid

    def verdict(self, **metrics: Any) -> Evaluation:
        """Return the evaluation that this failure means."""
        return Evaluation(self.status, None, metrics, self.feedback, {"log": self.log} if self.log else {})


@contextmanager
def translated(child: Child, limit: float) -> Iterator[None]:
    """Turn what can happen to a child's conversation into verdicts.

    Raises:
        Failed: the verdict.
        SandboxError: if the child ended with its zygote.
    """
    try:
        yield
    except PeerTimeout as error:
        child.kill("timeout")
        late = f"the program did not finish within {limit:.3g} s and was killed"
        words = device_faults.hang(limit) if child.limits.cuda else late
        raise Failed(Status.TIMED_OUT, rules.IN_TIME.broken(words), child.output(), child.pid) from error
    except PeerClosed as error:
        raise _ended(child) from error
    except PeerFault as error:
        if child.wait(0.5):
            raise _ended(child) from error
        child.kill("rejected")
        saw = f"the program's process broke the protocol: {error.what}"
        raise Failed(Status.REJECTED, rules.PROTOCOL.broken(saw), child.output(), child.pid) from error


def _ended(child: Child) -> Failed | SandboxError:
    child.wait(5.0)
    child.kill()
    if (gone := orphan(child)) is not None:
        return gone
    reason = child.exit_reason() or "no reason known"
    words = {
        "oom": "it used more memory than allowed",
        "disk": "it wrote more to disk than allowed",
        "too many threads": "it started more threads than allowed",
        "too many processes": "it started more processes than allowed",
        "SIGSEGV": "segmentation fault: an address outside of its memory was touched",
        "SIGXCPU": "it used more processor time than allowed",
        "SIGFPE": "an integer was divided by zero",
        "SIGABRT": "it aborted (an assertion, or memory that was corrupted)",
        "SIGILL": "an instruction that this CPU does not have",
        "SIGBUS": "a bus error",
    }
    text = words.get(reason, "it must neither exit nor kill its process")
    status = Status.TIMED_OUT if reason == "SIGXCPU" else Status.CRASHED
    said = f"the program's process ended ({reason}): {text}"
    fault = device_faults.find(child.output())  # C++ that does not catch an error of the device aborts
    if fault is not None and reason != "SIGXCPU":
        status, said = fault.status, f"{said}\n{fault.sentence}"
    rule = rules.IN_TIME if status is Status.TIMED_OUT else rules.ALIVE
    return Failed(status, rule.broken(said), child.output(), child.pid)


def told(error: Any, child: Child) -> Failed:
    """Turn an error that the child reported into a verdict."""
    if not isinstance(error, dict):
        return Failed(
            Status.REJECTED, rules.PROTOCOL.broken("the program's process sent an error that is none")
        )
    stage, kind = str(error.get("stage")), str(error.get("type"))
    text = "\n".join(str(error.get(k)) for k in ("what", "why", "now") if error.get(k))
    log = "\n".join(part for part in (str(error.get("log") or ""), child.output()) if part)
    fault = device_faults.find(text)
    if fault is not None:
        log = f"{text}\n{log}"
        text = f"{text.splitlines()[0]}\n{fault.sentence}"
    if kind in ("BuildError", "BuildRefused") or stage in ("load", "construct"):
        words = _with_log(text, str(error.get("log") or ""))
        return Failed(Status.BUILD_FAILED, rules.BUILDS.broken(words), log, child.pid)
    if wanted_new(f"{text}\n{log}"):
        text = f"{text.splitlines()[0]}\n{NEW_CODE}"
    where = "load_state_dict" if stage == "load" else "forward"
    status = fault.status if fault is not None else Status.CRASHED
    words = _with_log(f"{where} raises {text}", str(error.get("log") or ""))
    return Failed(status, rules.RAISES.broken(words), log, child.pid)


def _with_log(text: str, log: str) -> str:
    lines = [line for line in log.strip().splitlines() if line.strip()]
    if not lines or all(line.strip() in text for line in lines):
        return text
    return text + "\n" + "\n".join(lines[-30:])


@contextmanager
def resting(child: Child, purpose: str) -> Iterator[None]:
    """Let a child's group rest whenever something is timed on this machine."""
    try:
        registration = Registration(child.pid, purpose)
    except ValueError:  # it has ended already
        yield
        return
    with registration:
        yield

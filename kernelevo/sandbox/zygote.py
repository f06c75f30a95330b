"""Zygote: a warm process that forks sandboxed children in milliseconds; started fresh, never a fork of us."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import site
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from kernelevo.errors import SandboxError
from kernelevo.sandbox import scratch, seccomp
from kernelevo.sandbox.channel import Channel, PeerClosed, PeerFault, PeerTimeout
from kernelevo.sandbox.child import Birth, Child
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.watchdog import WATCHDOG

# CUDA_DEVICE_ORDER: without it number 0 may be another device there than here
_PASSED = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_DEVICE_ORDER",
    "CC", "CXX",
)  # fmt: skip
_PASSED_PREFIXES = ("KERNELEVO_CACHE", "KERNELEVO_DELIVERED", "CUDA_VISIBLE_", "TRITON_DEFAULT_")
_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
_OWN_ENTRIES = ("kernelevo.sandbox.selftest", "kernelevo.sandbox.trespass")
_FIRST_ANSWER, _SECOND_ANSWER = 2.0, 20.0
_WARMING_SECONDS = 300.0


def clean_environment(scratch: Path, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a zygote: an allow list, nothing that looks like a key.

    Args:
        scratch: becomes HOME and TMPDIR.
        given: the environment to choose from.
    """
    kept = {
        name: value
        for name, value in given.items()
        if (name in _PASSED or name.startswith(_PASSED_PREFIXES))
        and not any(word in name.upper() for word in _SECRET_WORDS)
    }
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, *(p for p in given.get("PYTHONPATH", "").split(os.pathsep) if p)]
    kept |= {
        "PATH": kept.get("PATH", os.defpath),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(os.path.abspath(p) for p in paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        # no worker thread may be born before a fork; each child sets its own number
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
        "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    if site.ENABLE_USER_SITE:  # packages of the user's own lie below a home that is another one there
        kept["PYTHONUSERBASE"] = site.getuserbase()
    return kept


class Zygote:
    """A warm, single-threaded process that forks children on demand; safe to use from several threads.

    Args:
        preload: modules to import before the first fork; every entry's module should be among them.
            ``()`` makes a zygote without torch, for plain evaluators.
        threads: torch and OpenMP threads of each child.
        environ: further environment variables of it and its children.
        start_timeout: seconds until it must be ready.

    Raises:
        SandboxError: if it does not start, or a test child does not answer a parallel operation.
    """

    def __init__(
        self,
        preload: Sequence[str] = ("torch",),
        *,
        threads: int,
        environ: Mapping[str, str] | None = None,
        start_timeout: float = 120.0,
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads must be at least 1, got {threads}")
        self.threads = threads
        self._lock = threading.Lock()
        #: folder of what Inductor's tools made when they were asked in it; None if they were not
        self.inductor_tools: Path | None = None
        self._triton_is_warm: dict[int, list[str]] = {}
        self._scratch = scratch.temporary("zygote")
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        config = {
            "preload": [*dict.fromkeys([*preload, *_OWN_ENTRIES])],
            "parent": os.getpid(),
        }
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "kernelevo.sandbox.nursery", str(theirs.fileno()),
                 json.dumps(config)],
                pass_fds=(theirs.fileno(),), cwd=self._scratch,
                env={**clean_environment(self._scratch), **(environ or {})},
                stdin=subprocess.DEVNULL, stdout=self._errors, stderr=self._errors, start_new_session=True,
            )  # fmt: skip
        finally:
            theirs.close()
        self._control = Channel(ours.detach())
        #: what the zygote found out: torch version, identity, Landlock version, how memory is read
        self.facts: dict[str, Any] = {}
        try:
            self.facts = dict(self._first_words(start_timeout))
            self._self_test()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Process id of the zygote."""
        return self._process.pid

    @property
    def bonds(self) -> str:
        """What this machine's kernel binds children with, in words."""
        version, known = self.facts.get("landlock_abi", 0), not seccomp.supported()
        return f"{f'Landlock {version}' if version else 'no Landlock'}, {'' if known else 'no '}seccomp"

    def kill(self) -> None:
        """End it and its children at once; who waits for its answer is told that it is gone."""
        self._process.kill()

    def alive(self) -> bool:
        """Return whether it runs."""
        return self._process.poll() is None

    def spawn(
        self,
        entry: str,
        payload: Mapping[str, Any],
        *,
        limits: Limits,
        fds: Mapping[str, int] | None = None,
        threads: int | None = None,
    ) -> Child:
        """Fork a child that runs ``entry``.

        Args:
            entry: ``"package.module:function"``, trusted code, called in the child as
                ``function(channel, payload, fds)`` after the limits are on.
            payload: plain data for it.
            limits: what it may do; the scratch folder is made if it does not exist.
            fds: named descriptors to pass; the child gets duplicates.
            threads: other than the zygote's own number.

        Raises:
            SandboxError: if the zygote is gone or cannot fork.
        """
        limits.scratch.mkdir(parents=True, exist_ok=True)
        named = dict(fds or {})
        ours, theirs = socket.socketpair()
        output, child_output = os.pipe()
        order = {
            "op": "spawn",
            "entry": entry,
            "payload": dict(payload),
            "limits": limits.to_json(),
            "fd_names": list(named),
            "threads": threads or self.threads,
        }
        try:
            reply, received = self._call(order, [theirs.fileno(), child_output, *named.values()])
        except BaseException:
            ours.close()
            os.close(output)
            raise
        finally:
            theirs.close()
            os.close(child_output)
        child = Child(Birth(reply["pid"], received[0], ours.detach(), output), limits, self._status)
        if limits.stage != "trusted" or limits.memory_bytes is not None:
            WATCHDOG.watch(child)
        return child

    def warm_inductor(self, kept: Path, *, on_device: bool = False) -> None:
        """Let Inductor ask its tools in the zygote, unless that was done; nothing is forked meanwhile.

        Takes some 3 s where an earlier zygote left what the tools make, 15 s where none did; see ``warming``.

        Args:
            kept: folder in which what the tools make is found again; a build that compiles has to read it.
            on_device: whether children compile for a device.

        Raises:
            SandboxError: if the zygote is gone, has no torch, or the tools do not work.
        """
        if self.inductor_tools is None:
            order = {"op": "warm inductor", "kept": str(kept), "on_device": on_device}
            self._call(order, timeout=_WARMING_SECONDS)
            self.inductor_tools = kept

    def warm_triton(self, arch: int) -> list[str]:
        """Let Triton ask its tools in the zygote, unless that was done (about 2 s, nothing is forked then).

        Before Triton looks up a kernel that it has built it asks ptxas for its version, ldconfig for the
        driver, ``file`` for the platform, and hashes itself; children know the answers, and could start no
        process to ask.

        Args:
            arch: the device's, as Triton names it, e.g. 90.

        Returns:
            What it could not find out here.

        Raises:
            SandboxError: if the zygote is gone or has no torch.
        """
        if arch not in self._triton_is_warm:
            said, _ = self._call({"op": "warm triton", "arch": arch}, timeout=_WARMING_SECONDS)
            self._triton_is_warm[arch] = list(said["found"])
        return self._triton_is_warm[arch]

    def clear(self) -> None:
        """End every child and forget it; what was warmed stays so.

        Raises:
            SandboxError: if the zygote is gone, or a child does not end.
        """
        self._call({"op": "clear"})

    def close(self) -> None:
        """End the zygote and all its children; may be called twice."""
        if self._process.poll() is None:
            try:
                with self._lock:
                    self._control.send({"op": "end"}, timeout=1.0)
                self._process.wait(5.0)
            except (PeerFault, subprocess.TimeoutExpired):
                self._process.kill()  # its children die with it (PR_SET_PDEATHSIG)
        self._process.wait(10.0)
        self._control.close()
        self._errors.close()
        scratch.remove(self._scratch)

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- inside -------------------------------------------------------------------------------------

    def _call(
        self, order: dict[str, Any], fds: Sequence[int] = (), timeout: float = 60.0
    ) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            try:
                self._control.send(order, fds)
                reply, received = self._control.recv_fds(timeout)
            except (ValueError, TypeError):
                raise  # an order that cannot be written down: nothing of it was sent
            except BaseException as error:
                self._put_down()
                if isinstance(error, PeerFault):
                    raise self._gone(error) from None
                raise
        if isinstance(reply, dict) and "error" in reply:
            raise SandboxError(f"the zygote cannot {order['op']}", why=str(reply["error"]))
        return reply, received

    def _put_down(self) -> None:
        """End it where an answer was not read in time, or not at all (Ctrl-C, an evaluator's time limit).

        It may come yet, and would be taken for the answer to the next order: another process's number.
        """
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)

    def _status(self, pid: int) -> dict[str, Any] | None:
        """Return how a child ended; None if the zygote is gone too (its children died with it)."""
        deadline = time.monotonic() + 10.0
        while True:
            try:
                reply = self._call({"op": "status", "pid": pid})[0]
            except SandboxError:
                return None
            if not reply or not reply["running"]:
                return reply
            if time.monotonic() > deadline:
                raise SandboxError(f"process {pid} ended but was not reaped within 10 s")
            time.sleep(0.001)

    def _hear(self, timeout: float) -> dict[str, Any]:
        try:
            return dict(self._control.recv(timeout))
        except PeerFault as fault:
            raise self._gone(fault) from None

    def _first_words(self, timeout: float) -> dict[str, Any]:
        said = self._hear(timeout)
        if "error" in said:
            raise SandboxError(
                "programs cannot be judged on this system",
                why=str(said["error"]),
                now="use a Linux kernel of 5.9 or later (some container sandboxes, as older gVisor, are not "
                "one); `kernelevo doctor` lists what else is there",
            )
        return dict(said["ready"])

    def _gone(self, fault: PeerFault) -> SandboxError:
        tail = "" if self._errors.closed else self._error_tail()
        return SandboxError(
            "the sandbox's zygote does not answer",
            why="\n".join(part for part in (fault.what, tail) if part),
            now="run `kernelevo doctor`; it tries each part of the sandbox by itself",
        )

    def _error_tail(self) -> str:
        # pread: the file's position is shared with the zygote, which writes there
        fd = self._errors.fileno()
        start = max(0, os.fstat(fd).st_size - 2000)
        return os.pread(fd, 2000, start).decode(errors="replace").strip()

    def _self_test(self) -> None:
        """Let a child answer a parallel operation within 2 s; a slow machine gets one longer second try."""
        token = secrets.token_hex(16)
        limits = Limits("run", self._scratch / "selftest")
        for timeout in (_FIRST_ANSWER, _SECOND_ANSWER):
            start = time.monotonic()
            with self.spawn("kernelevo.sandbox.selftest:answer", {"token": token}, limits=limits) as child:
                try:
                    report = child.channel.recv(timeout)
                except PeerTimeout:
                    continue
                except PeerClosed:
                    child.wait(5.0)
                    raise SandboxError(
                        "a sandboxed test child ended before it answered",
                        why=f"{child.exit_reason()}\n{child.output()}",
                        now="run `kernelevo doctor`",
                    ) from None
                self.facts["answer_seconds"] = time.monotonic() - start
                self.facts["child_threads"] = report["threads"]
                self.facts["read"] = self._try_read(child, report, token)
                return
        raise SandboxError(
            f"a forked child did not answer a parallel operation within {_SECOND_ANSWER:g} s",
            why="a thread pool existed before the fork (a preloaded module started one)",
            now="preload only modules that start no thread",
        )

    @staticmethod
    def _try_read(child: Child, report: Mapping[str, Any], token: str) -> str:
        try:
            child.stop()
            found = child.read(report["address"], report["bytes"]).tobytes().decode()
        except SandboxError as error:
            return f"shared-memory copy ({error.why})"
        return "process_vm_readv" if found == token else "shared-memory copy (the bytes read were wrong)"

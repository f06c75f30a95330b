"""Guarded: a winner's native code built anew with AddressSanitizer, and run once on secret cases.

An access past the end of an array that happens to give right values passes every comparison. So a winner on
the CPU is built again with ``-fsanitize=address,undefined`` and called in a process of its own, under the
limits of any program: a child of a zygote that was started with the sanitizer's library in front, so that
every tensor has guards at its ends; inputs are copied out of shared memory for the same reason. Only an error
that the program's own objects take part in counts against it. Where the sanitizer is not installed, or the
program cannot run under it, the verdict stays and says so. Undefined behaviour that touches no foreign memory
is told, not refused.

``begin`` starts the build beside work that is not timed. It is one at ``-O1``: with the author's own flags
the sanitizer's checks take up to eight times as long to compile. Sums whose order is left to the compiler may
come out coarser there, so a program with wrong values is built once more with the author's own flags, and
what it answers then counts alone. A build is kept: a winner that is judged again is only run.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kernelevo.backends import source_tree, toolchain
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.core import Artifact, Evaluation, Status
from kernelevo.core.tree import listing
from kernelevo.errors import BuildRefused, KernelEvoError, ToolchainMissing
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.children.supervisor import PRELOAD, Supervisor
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.ground import Ground
from kernelevo.kernels.later import Later
from kernelevo.kernels.programs import compiled_code
from kernelevo.kernels.programs.kept_builds import KeptBuilds
from kernelevo.kernels.reference.gaps import Report
from kernelevo.kernels.stages import Stages
from kernelevo.kernels.timing.checking import describe_case
from kernelevo.sandbox import stock
from kernelevo.sandbox.scratch import SOON, remove
from kernelevo.sandbox.zygote import Zygote

CASES = 3
SECONDS = 3.0
"""After which no further case is begun: code with checks may take a hundred times as long."""
METRIC = "sanitizer"
SWITCH = "KERNELEVO_SANITIZER"
"""Set to ``off``, winners are not looked at (some 10 s each); the verdict says so."""
_SLOWER = 5.0
# of a tensor's largest value: with checks in its loops a sum of a million numbers is not added in vectors but
# one after the other, and what guards hold is off by far more
_ROUNDING = 1e-3
_FLAGS = "-fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer -g1"
_QUICK = "-O1"
_SCRIPT = "guarded-c++"
# what torch and Python do in ways that the sanitizer does not like is not the program's
_OPTIONS = (
    "detect_leaks=0:alloc_dealloc_mismatch=0:new_delete_type_mismatch=0:detect_odr_violation=0"
    ":allocator_may_return_null=1:quarantine_size_mb=64:handle_segv=1:print_legend=0:color=never"
)
_ERROR = re.compile(r"ERROR: AddressSanitizer: ([a-z-]+(?:overflow|underflow|free|scope|return|size)|SEGV)")
_ACCESS = re.compile(r"^(READ|WRITE) of size (\d+)", re.M)
_FRAME = re.compile(r"^\s+#\d+ 0x[0-9a-f]+ (?:in )?(.*)$", re.M)
_BESIDE = re.compile(
    r"located (\d+) bytes (to the right of|to the left of|after|before|inside of) (\d+)-byte"
)
_NATIVE = re.compile(r"\bcpp\(|\bload_inline\b|\bcpp_extension\b")
_HEADERS = re.compile(r"\btorch_headers\s*=\s*True\b")
_UNDEFINED = re.compile(r"(\w+\.\w+:\d+):\d+: runtime error: (.*)")


class Unavailable(Exception):
    """Nothing can be said of the program here; the text tells why."""


@dataclass(frozen=True)
class _Build:
    """A program that was built with guards: what its children are started with."""

    ground: Ground
    folder: Path
    environ: Mapping[str, str]
    kept: bool = False  # in the cache, where it stays


class Guarded:
    """The sanitizer's zygote and compiler of one judge; made when the first winner comes.

    Args:
        stages: builds programs and starts their children.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._supervisor: Supervisor | None = None
        self._starting, self._closed = threading.Lock(), False
        self._begun: dict[Path, Later[_Build | None]] = {}
        self._serial = itertools.count()

    def begin(self, ground: Ground, artifact: Artifact) -> None:
        """Start to build a program with guards, in a thread; what comes of it is told when it is examined."""
        assert artifact.folder is not None
        if artifact.folder not in self._begun:
            self._begun[artifact.folder] = Later(lambda: self._build(ground, artifact))

    def wait(self, artifact: Artifact) -> None:
        """Wait until a build that has begun has ended: it would disturb what is timed."""
        begun = self._begun.get(artifact.folder) if artifact.folder else None
        if begun is not None:
            begun.wait(threading.TIMEOUT_MAX)

    def told(self, found: Evaluation, ground: Ground, artifact: Artifact) -> Evaluation:
        """Return a winner's verdict with what the sanitizer says; a refusal where that is an error."""
        if found.status is not Status.OK:
            self._forget(artifact)
            return found
        try:
            words = self.examine(ground, artifact)
        except Unavailable as reason:
            words = f"not run: {reason}"
        except Failed as failed:
            return replace(failed.verdict(), metrics={**found.metrics, METRIC: failed.saw})
        return replace(
            found, metrics={**found.metrics, METRIC: words}, feedback=f"{found.feedback}\nsanitizer: {words}"
        )

    def examine(self, ground: Ground, artifact: Artifact) -> str:
        """Build and run a program under the sanitizer; return what is to be told.

        Raises:
            Failed: if it touches memory that is not its own.
            Unavailable: if that cannot be found out.
        """
        assert artifact.folder is not None
        self.begin(ground, artifact)
        build = self._begun.pop(artifact.folder).result()
        if build is None:
            return "no native code of the program's own"
        try:
            wrong, count, printed = self._tried(build, artifact)
        except Unavailable:
            if not build.kept:
                raise
            KeptBuilds(BuildCache(self._stages.root)).drop(_key(ground, artifact))
            wrong, count, printed = self._tried(self._built_and_kept(ground, artifact), artifact)
        if wrong:
            wrong, count, printed = self._tried(self._built(ground, artifact, ""), artifact)
        if wrong:
            raise Failed(Status.WRONG, rules.BOUNDS.broken(wrong), printed)
        odd = list(dict.fromkeys(f"{at}: {what}" for at, what in _UNDEFINED.findall(printed)))[:3]
        behaved = f"; undefined behaviour: {'; '.join(odd)}" if odd else ""
        cases = f"{count} cases" if count > 1 else "one case"
        return f"address and undefined, {cases}, no access outside of an array{behaved}"

    def dismiss(self, artifact: Artifact) -> None:
        """End what is still being built of a program, and remove what was: nobody will examine it."""
        begun = self._begun.get(artifact.folder) if artifact.folder else None
        if begun is not None and not begun.wait(0.0):
            self._end()  # it would take seconds more, beside the next program
        self._forget(artifact)

    def close(self) -> None:
        """End the zygote and what is being built; may be called twice."""
        self._closed = True
        self._end()

    # ------------------------------------------------------------------ inside

    def _end(self) -> None:
        """End the zygote; whoever needs one after that gets another."""
        with self._starting:
            if self._supervisor is not None:
                self._supervisor.close()
                self._supervisor = None

    def _tried(self, build: _Build, artifact: Artifact) -> tuple[str, int, str]:
        """Run what was built, and remove it; return what was wrong, in how many cases, and what was printed.

        Raises:
            Failed: as :meth:`examine`.
            Unavailable: as :meth:`examine`.
        """
        try:
            with self._stages.enter(
                build.ground, replace(artifact, folder=build.folder), build.environ
            ) as session:
                wrong, count = self._run(build.ground, session)
                return wrong, count, session.child.output()
        except Failed as failed:
            raise _judged(failed, build.folder) from failed
        except KernelEvoError as error:
            raise Unavailable(f"{error.what}: {error.why}") from error
        finally:
            _let_go(build)

    def _build(self, ground: Ground, artifact: Artifact) -> _Build | None:
        """Return what a program was built to, or is built to now; None without native code of its own."""
        assert artifact.folder is not None
        if os.environ.get(SWITCH) == "off":
            raise Unavailable(f"{SWITCH} is off")
        if ground.setting.on_device:
            raise Unavailable("it looks at code for the CPU only")
        source = listing(artifact.program)
        if not (_NATIVE.search(source) or _left_objects(artifact.folder)):
            return None
        if _HEADERS.search(source):
            raise Unavailable("code that needs torch's headers takes too long to build with guards")
        if compiled_code.made_in(artifact.folder):
            raise Unavailable("the program calls torch.compile, which cannot look up its code there")
        own, cache = self._beside(ground), BuildCache(self._stages.root)
        kept = KeptBuilds(cache).find(_key(ground, artifact))
        if kept is not None:
            # without its script, if that cannot be written, what is kept is of no use
            with contextlib.suppress(BuildRefused):
                return _Build(own, kept, _environment(cache, kept, _QUICK), kept=True)
        return self._built_and_kept(ground, artifact)

    def _built_and_kept(self, ground: Ground, artifact: Artifact) -> _Build:
        """Build a program the quick way, and keep a copy for who builds it again."""
        build = self._built(ground, artifact, _QUICK)
        KeptBuilds(BuildCache(self._stages.root)).keep(_key(ground, artifact), build.folder)
        return build

    def _built(self, ground: Ground, artifact: Artifact, level: str) -> _Build:
        """Build a program.

        Args:
            ground: the task's equipment.
            artifact: the program, built as it is.
            level: a compiler's flag that overrules the author's; the author's own flags where it is empty.
        """
        own = self._beside(ground)
        folder = ground.folder / f"guarded-{next(self._serial)}"
        folder.mkdir()
        try:
            environ = _environment(BuildCache(self._stages.root), folder, level)
            self._stages.build(own, artifact.program, folder, {**environ, "LD_PRELOAD": ""}, last=True)
        except Failed as failed:
            remove(folder, seconds=SOON)
            raise _judged(failed, folder) from failed
        except KernelEvoError as error:
            remove(folder, seconds=SOON)
            raise Unavailable(f"{error.what}: {error.why}") from error
        return _Build(own, folder, environ)

    def _forget(self, artifact: Artifact) -> None:
        """Remove what was built of a program that nobody will examine."""
        begun = self._begun.pop(artifact.folder, None) if artifact.folder else None
        if begun is not None:
            with contextlib.suppress(Unavailable, Failed, KernelEvoError):  # nobody asks any more
                build = begun.result()
                if build is not None:
                    _let_go(build)

    def _run(self, ground: Ground, session: Session) -> tuple[str, int]:
        """Try a few cases; return what is wrong in the first that is, and how many were tried."""
        pool = ground.pool
        pool.ensure(CASES)
        cases = pool.draw(ground.rng("guarded", next(self._serial)))[:CASES]
        session.construct(pool.weights(pool.base_seed), pool.base_seed, timeout=ground.patience)
        end, done = time.monotonic() + SECONDS, 0
        for group, case in cases:
            if done and time.monotonic() > end:
                break
            report: Report = ground.checker.case(session, group, case, placed=not done, share=_ROUNDING)
            done += 1
            if not report.ok:
                saw = "right values in ordinary memory are wrong where arrays have guards at their ends"
                return f"{saw} ({describe_case(case)})\n{report.explain()}", done
        session.ask("rest", seconds=0.0)
        return "", done

    def _beside(self, ground: Ground) -> Ground:
        """Return the task's equipment with the sanitizer's zygote, and inputs that are copied to the heap."""
        with self._starting:
            if self._closed:
                raise Unavailable("the judge is closed")
            if self._supervisor is None:
                threads = ground.supervisor.threads
                self._supervisor = Supervisor(lambda: _zygote(threads))
            supervisor = self._supervisor
        own = copy.copy(ground)
        own.supervisor, own.setting = supervisor, replace(ground.setting, staged=True)
        own.patience = _SLOWER * ground.patience
        return own


def _zygote(threads: int) -> Zygote:
    """Start the sanitizer's zygote.

    Raises:
        Unavailable: if this machine cannot.
    """
    front = _libraries()
    try:
        return stock.lend(PRELOAD, threads=threads, environ={"LD_PRELOAD": front, "ASAN_OPTIONS": _OPTIONS})
    except KernelEvoError as error:
        raise Unavailable(f"a process with {front} does not start: {error.why}") from error


def _let_go(build: _Build) -> None:
    """Remove a build that nobody needs any more."""
    if not build.kept:
        remove(build.folder, seconds=SOON)


def _key(ground: Ground, artifact: Artifact) -> str:
    """Name a program's quick build: the program, the task with its shapes and versions, the compiler."""
    compiler = toolchain.compiler()
    where = (ground.baselines.folder.name, ground.supervisor.threads)
    how = (compiler.path, compiler.version, compiler.arch, source_tree.headers_digest(), _FLAGS, _QUICK)
    return digest("guarded build", artifact.program.id, *where, *how)


def _environment(cache: BuildCache, folder: Path, level: str) -> dict[str, str]:
    """Return the variables that make every build of a program in this folder a guarded one.

    The compiler is called by a script that stays where it is: what it said of itself is kept by its path.
    """
    path = toolchain.compiler().path
    # last, so that no flag of the program's undoes it
    text = f'#!/bin/sh\nexec "{path}" "$@" {_FLAGS} {level}\n'

    def write(target: Path) -> None:
        (target / _SCRIPT).write_text(text)
        (target / _SCRIPT).chmod(0o755)

    script = cache.get(digest("guarded c++", text), write, what="the guarded compiler's script") / _SCRIPT
    # nothing that was built without guards is to be found
    return {"CXX": str(script), "KERNELEVO_CACHE_SHARED": str(folder / "none")}


def _left_objects(folder: Path) -> bool:
    """Tell whether a build left shared objects other than what torch.compile and Triton keep.

    A source that was built before, by whoever proposed the program, leaves none: its text tells as well.
    """
    roots = (folder / "cache", folder / "extensions")
    return any(next(root.rglob("*.so"), None) is not None for root in roots if root.is_dir())


def _libraries() -> str:
    """Return the sanitizer's library, and C++'s, whose exceptions it has to find when it starts.

    Raises:
        Unavailable: if this machine has none.
    """
    try:
        compiler = toolchain.compiler()
    except ToolchainMissing as error:
        raise Unavailable(error.what) from error
    if compiler.kind != "gcc":
        raise Unavailable(f"{compiler.version} is not gcc")
    found = []
    for name in ("libasan.so", "libstdc++.so.6"):
        said = subprocess.run(
            [compiler.path, f"-print-file-name={name}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        ).stdout.strip()
        path = Path(said)
        if not path.is_absolute() or not path.is_file() or path.read_bytes()[:4] != b"\x7fELF":
            raise Unavailable(f"gcc's {name} is not installed")
        found.append(str(path.resolve()))
    return " ".join(found)


def _judged(failed: Failed, folder: Path) -> Exception:
    """Turn a guarded process's end into a refusal, if a report tells that the program's objects took part."""
    error = _ERROR.search(failed.log)
    if error is None:
        return Unavailable(f"the program does not work under it: {failed.saw.splitlines()[0]}")
    report = failed.log[error.start() :]
    frames = _FRAME.findall(report.split("\n\n", 1)[0])
    own = [frame for frame in frames if str(folder) in frame]
    if not own:
        return Unavailable(f"{error[1]} was reported in code that is not the program's")
    access, beside = _ACCESS.search(report), _BESIDE.search(report)
    what = f"{'reads' if access[1] == 'READ' else 'writes'} {access[2]} bytes" if access else "touches memory"
    place = f", {beside[1]} bytes {beside[2]} an array of {beside[3]} bytes" if beside else ""
    at = own[0].replace(f"{folder}/", "")
    at = re.sub(r"\S*/(?=[\w.-]+(:\d+)*\)?$)", "", at)
    saw = f"the program {what} outside of its arrays{place} ({error[1]})\nin {at}"
    return Failed(Status.CRASHED, rules.BOUNDS.broken(saw), report, failed.pid)

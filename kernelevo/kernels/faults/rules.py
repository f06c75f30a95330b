"""Rules: what a program may not do, in words: why it counts, and how an honest program does it.

A refusal has three parts: what was seen, why that counts, and what an honest program does instead. Whoever
refuses a program says the first; the other two stand here, once for each rule.

Of what was seen some words may be the program's own (the text of an exception, a compiler's log). They are
``quoted``: bounded, without control characters, and with a mark before each line after the first, so that
they cannot pass for the judge's words, clear a terminal, or fill a prompt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kernelevo.kernels.reference.gaps import Report

WHY, HONEST, QUOTE = "Why it counts: ", "An honest program ", "  | "
_LONGEST = 4000
_LINE = 400
# all that moves a cursor, colours a terminal, reverses a line or hides in one
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True)
class Refusal:
    """Why one program is refused.

    Args:
        saw: what was seen; the first line says it in short.
        why: why it counts.
        honest: what an honest program does; goes on after "An honest program".
    """

    saw: str
    why: str
    honest: str

    def __str__(self) -> str:
        """Return the three parts, one below the other."""
        return f"{quoted(self.saw)}\n{WHY}{self.why}.\n{HONEST}{self.honest}."


@dataclass(frozen=True)
class Rule:
    """One thing that a program may not do; see ``Refusal``."""

    why: str
    honest: str

    def broken(self, saw: str) -> Refusal:
        """Return the refusal of a program that was seen to break this rule."""
        return Refusal(saw, self.why, self.honest)


def quoted(text: str) -> str:
    """Return a text that may hold a program's own words so that it is plain data for whoever reads it."""
    first, *rest = [_plain(line) for line in text.strip().replace("\r\n", "\n").split("\n")]
    whole = "\n".join([first, *(line if line.startswith(QUOTE) else QUOTE + line for line in rest)])
    if len(whole) <= _LONGEST:
        return whole
    half = _LONGEST // 2
    return f"{whole[:half]}\n{QUOTE}[{len(whole) - 2 * half} characters left out]\n{QUOTE}{whole[-half:]}"


def _plain(line: str) -> str:
    clean = _CONTROLS.sub("?", line)
    return clean if len(clean) <= _LINE else f"{clean[:_LINE]} [{len(clean) - _LINE} more]"


INPUTS = Rule(
    "an input is the caller's; written to, it makes later calls, or the comparison, another problem",
    "works in place only on tensors that it made itself, and clones an input first",
)
OWN_MEMORY = Rule(
    "whoever writes to the one changes the other, which the module itself does not do to its caller",
    "returns tensors of its own, allocated in the call",
)
ACROSS_CALLS = Rule(
    "a later call overwrites what an earlier one returned, though its caller may still hold it",
    "allocates each output anew with torch.empty; only scratch that is never returned is kept",
)
FINAL = Rule(
    "the clock stops when the call is done, so work after it is not measured",
    "joins its threads, and lets the current stream wait for its other ones, before it returns",
)
PLAIN_TENSORS = Rule(
    "a subclass may compute when somebody looks at it, after the clock has stopped",
    "returns plain tensors that hold their values",
)
PLACE = Rule(
    "the result is expected where the module itself puts it, and moving it there is part of the work",
    "returns its outputs on the device of its inputs",
)
SIZE = Rule(
    "an output is read as it lies in memory, and so much of it would only keep the judge busy",
    "returns tensors about as large as the module's own, not a few elements of a huge one",
)
TOO_LARGE = "the outputs are far larger in memory than the reference's"
"""What was seen where ``SIZE`` is broken."""
REACHABLE = Rule(
    "the judge reads outputs and writes inputs by itself, where they lie on the device: no program is asked "
    "whether they are there",
    "lets torch allocate its outputs, with the allocator's usual settings, and leaves inputs where they are",
)
PROTOCOL = Rule(
    "outputs are heard of over one channel, and writing to it means to speak in the judge's place",
    "leaves descriptors that it did not open, and the objects of its caller, alone; what it prints is logged",
)
ALIVE = Rule(
    "the module returns from every call, and a process that has ended answers none",
    "returns from forward and raises nothing; it neither exits nor signals any process, stays within its "
    "memory, and checks every index of native code",
)
BOUNDS = Rule(
    "what lies beyond an array changes with the allocator, and a write there spoils other data later",
    "keeps every index inside its array, in the tails of loops and blocks too",
)
IN_TIME = Rule(
    "nobody can tell a hang from slow work, and other programs wait for the machine",
    "bounds each loop, lock and barrier, and compiles when it is constructed",
)
BUILDS = Rule(
    "a program is judged only if it imports, is constructed like the module, and holds the same weights",
    "defines ModelNew with the constructor, parameter and buffer names of Model, and compiles all that it "
    "needs without a network",
)
RAISES = Rule(
    "the module itself answers the same call with the same inputs and weights",
    "handles every value, and each train or eval mode, that the module handles; in a judged call it can "
    "neither start processes, nor compile, nor open files outside of its own folder",
)
ORDER = Rule(
    "a batch of calls stands for calls that come one after the other, each with inputs of its own moment",
    "computes each call from the inputs of that call, when it is called, and remembers no others",
)
UNSEEN = Rule(
    "timed inputs are parts of sets that come again, as no caller's are: what was read of them once is known",
    "takes as long on inputs that nobody has seen before",
)
WITHIN_PHYSICS = Rule(
    "so the work was not done within the calls that were timed",
    "computes every output from the inputs of its own call, and has it in memory when the call returns",
)
OWN_KERNELS = Rule(
    "the task asks for kernels of one's own: what torch computes is not this program's work",
    "writes these as kernels of its own; only allocation, views and launches may use torch",
)
CORRECT = Rule(
    "a program has to give the module's answer, within 1e-5 or a few times PyTorch's own error, on secret "
    "inputs of several kinds",
    "computes each value from the inputs of its own call, sums in fp32, and treats tails, signs, large "
    "values and zeros as the module does",
)
CORRECT_IN_FP64 = Rule(
    "a module in fp64 is one that fp32 is not exact enough for: a program has to give its answer to within "
    "1e-11 of each value, or a few times what fp64 rounding makes of it",
    "computes in fp64 from its inputs to its outputs: loads, products, sums, functions and constants",
)
FOLLOWS_WEIGHTS = Rule(
    "weights change after construction, by load_state_dict and in place, and the module follows them",
    "reads its parameters and buffers in each call; what it derives from them it keeps with kernelevo.packed",
)
STATE = Rule(
    "the module's buffers and mode are part of what it leaves behind, and a later call starts from them",
    "updates buffers as the module does and ends each call in the mode in which it began",
)
SIGNATURE = Rule(
    "the program has to stand in the module's place, so whoever calls it expects the same kind of result",
    "returns the module's structure, shapes and dtypes",
)
FINITE = Rule(
    "a value that is not finite compares with nothing, so its places must be those of the module itself",
    "keeps what the module does against overflow (a softmax without its maximum overflows), and writes "
    "every element",
)


def wrong_result(report: Report, case: str) -> Refusal:
    """Return what is said of a wrong answer: on what case, where and by how much, and the rule it breaks."""
    return _rule(report, case).broken(f"wrong result {case}\n{report.explain()}")


def _rule(report: Report, case: str) -> Rule:
    """Return the rule that a wrong answer breaks, by the first tensor that is wrong."""
    if report.problem:
        return STATE if report.problem.startswith("the module left") else SIGNATURE
    gap = next(g for g in report.gaps if not g.ok)
    if gap.problem.startswith("buffer"):
        return STATE
    if gap.problem.startswith(f"{gap.name}: non-finite"):
        return FINITE
    if gap.problem.startswith(f"{gap.name}: expected"):
        return SIGNATURE
    if "the parameters were changed" in case:
        return FOLLOWS_WEIGHTS
    return CORRECT_IN_FP64 if gap.wide else CORRECT

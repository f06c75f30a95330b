"""Where work runs: in this process, in worker processes, in the generation process; torch-free."""

from kernelevo.executors.host import GenerationHost, HostedProposer
from kernelevo.executors.inline import InlineExecutor
from kernelevo.executors.link import Link
from kernelevo.executors.process import ProcessExecutor
from kernelevo.executors.replies import RemoteError, RemoteTraceback
from kernelevo.executors.threads import WaitingExecutor

__all__ = [
    "GenerationHost",
    "HostedProposer",
    "InlineExecutor",
    "Link",
    "ProcessExecutor",
    "RemoteError",
    "RemoteTraceback",
    "WaitingExecutor",
]

"""What a device's errors become: the texts of torch, the driver, Triton and a dying process, as verdicts."""

import ctypes
import ctypes.util
import glob
import re

import pytest

from kernelevo.core import Program, Status
from kernelevo.errors import SandboxError
from kernelevo.kernels.faults import device_faults
from kernelevo.kernels.faults.failed import Failed
from tests.kernels.conftest import candidate

MORE = (
    "\nSearch for `{}' in https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html for more "
    "information.\nCUDA kernel errors might be asynchronously reported at some other API call, so the "
    "stacktrace below might be incorrect.\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
    "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n"
)


def by_torch(phrase, name):
    """As torch 2.11 to 2.13 words an error of the runtime."""
    return f"AcceleratorError: CUDA error: {phrase}{MORE.format(name)}"


TEXTS = {
    by_torch("an illegal memory access was encountered", "cudaErrorIllegalAddress"): "illegal address",
    "RuntimeError: CUDA error: an illegal memory access was encountered": "illegal address",
    "CUDA error 700 while launching scale[(1, 1, 1), (256, 1, 1), 0]: an illegal memory access was "
    "encountered": "illegal address",
    "RuntimeError: cuMemsetD8Async: an illegal memory access was encountered (CUDA error 700)"
    : "illegal address",
    "RuntimeError: Triton Error [CUDA]: an illegal memory access was encountered": "illegal address",
    "CUDA error at k.cu:5 code=700(cudaErrorIllegalAddress)": "illegal address",
    by_torch("misaligned address", "cudaErrorMisalignedAddress"): "misaligned address",
    "RuntimeError: Triton Error [CUDA]: misaligned address": "misaligned address",
    by_torch("device-side assert triggered", "cudaErrorAssert"): "assertion failed",
    by_torch("the launch timed out and was terminated", "cudaErrorLaunchTimeout"): "ran too long",
    by_torch("unspecified launch failure", "cudaErrorLaunchFailure"): "a kernel failed",
    by_torch("an illegal instruction was encountered", "cudaErrorIllegalInstruction"): "a kernel failed",
    by_torch(
        "no kernel image is available for execution on the device", "cudaErrorNoKernelImageForDevice"
    ): "architecture",
    "CUDA error 209 while loading a cubin: no kernel image is available for execution on the "
    "device": "architecture",
    "RuntimeError: Triton Error [CUDA]: device kernel image is invalid": "architecture",
    "CUDA error 222 while loading a cubin: the provided PTX was compiled with an unsupported "
    "toolchain.": "architecture",
    "OutOfResources: out of resource: shared memory, Required: 262144, Hardware limit: 232448. Reducing "
    "block sizes or `num_stages` may help.": "takes more than",
    "OutOfResources: out of resource: threads, Required: 1024, Hardware limit: 512. Reducing block sizes "
    "or `num_stages` may help.": "takes more than",
    "CUDA error 1 while giving tile 300000 bytes of shared memory: invalid argument": "takes more than",
    "CUDA error 701 while launching tile[(1, 1, 1), (1024, 1, 1), 0]: too many resources requested for "
    "launch": "takes more than",
    by_torch("too many resources requested for launch", "cudaErrorLaunchOutOfResources"): "takes more than",
    "CUDA error 1 while launching tile[(1, 1, 1), (2048, 1, 1), 0]: invalid argument": "refused",
    by_torch("invalid configuration argument", "cudaErrorInvalidConfiguration"): "refused",
    "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.18 "
    "GiB of which 1.06 GiB is free. Including non-PyTorch memory, this process has 78.10 GiB memory in use."
    : "out of device memory",
    by_torch("out of memory", "cudaErrorMemoryAllocation"): "out of device memory",
    "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
    : "out of device memory",
    "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and "
    "installed a driver from http://www.nvidia.com/Download/index.aspx": "no driver",
    "RuntimeError: No CUDA GPUs are available": "no driver",
    "AssertionError: Torch not compiled with CUDA enabled": "no driver",
    "RuntimeError: 0 active drivers ([]). There should only be one.": "no driver",
    "RuntimeError: The NVIDIA driver on your system is too old (found version 12040). Please update your GPU "
    "driver by downloading and installing a new version from the URL: "
    "http://www.nvidia.com/Download/index.aspx": "older than the CUDA runtime",
    by_torch(
        "CUDA driver version is insufficient for CUDA runtime version", "cudaErrorInsufficientDriver"
    ): "older than the CUDA runtime",
    "Error 804: forward compatibility was attempted on non supported HW (CUDA_ERROR_COMPAT_NOT_SUPPORTED_"
    "ON_DEVICE)": "older than the CUDA runtime",
    by_torch("uncorrectable ECC error encountered", "cudaErrorECCUncorrectable"): "in trouble",
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_each_text_is_known_for_what_it_is(text):
    fault = device_faults.find(text)
    assert fault is not None and TEXTS[text] in fault.name
    sentence = fault.sentence
    assert fault.name in sentence and sentence.count(". ") >= 2 and ".." not in sentence


@pytest.mark.parametrize(
    "text",
    ["", "MemoryError: out of memory", "ValueError: invalid argument", "an unknown error", "unknown error",
     "RuntimeError: Assert failed", "CUDA error 12345 while doing something: new", "misaligned address"],
)  # fmt: skip
def test_other_words_are_no_device_fault(text):
    assert device_faults.find(text) is None


def test_codes_and_names_are_those_of_the_drivers_api():
    driver = pytest.importorskip("cuda.bindings.driver")
    for fault in device_faults.FAULTS:
        for name in (n for n in fault.names if n.isupper()):
            code = getattr(driver.CUresult, f"CUDA_ERROR_{name}", None)
            assert code is None or int(code) in fault.codes, name
            assert device_faults.find(f"CUDA_ERROR_{name}: ...") is fault


def test_phrases_are_those_of_the_runtime():
    """``cudaGetErrorString`` needs no driver: what it says of each code is asked of the library itself."""
    found = ctypes.util.find_library("cudart") or next(
        iter(glob.glob("/usr/local/cuda*/lib64/libcudart.so")), ""
    )
    if not found:
        pytest.skip("no CUDA runtime on this machine")
    runtime = ctypes.CDLL(found)
    runtime.cudaGetErrorString.restype = runtime.cudaGetErrorName.restype = ctypes.c_char_p
    checked = 0
    for fault in device_faults.FAULTS:
        for code in fault.codes:
            phrase = runtime.cudaGetErrorString(code).decode()
            name = runtime.cudaGetErrorName(code).decode()
            if phrase == "unrecognized error code" or code == 3:
                continue
            assert device_faults.find(f"RuntimeError: CUDA error: {phrase}") is fault, (code, phrase)
            assert device_faults.find(by_torch(phrase, name)) is fault, (code, name)
            checked += 1
    assert checked > 25


STICKY = """
import sys
if 'broken' in self.__dict__ or hasattr(torch, 'kernelevo_broken'):
    raise RuntimeError('CUDA error: an illegal memory access was encountered')
torch.kernelevo_broken = True
raise RuntimeError('''TEXT''')
"""
ENDS = [
    ("cudaErrorIllegalAddress", "an illegal memory access was encountered", Status.CRASHED),
    ("cudaErrorLaunchTimeout", "the launch timed out and was terminated", Status.TIMED_OUT),
    ("cudaErrorLaunchOutOfResources", "too many resources requested for launch", Status.BUILD_FAILED),
    ("cudaErrorInsufficientDriver", "CUDA driver version is insufficient for CUDA runtime version",
     Status.CRASHED),
]  # fmt: skip


@pytest.mark.parametrize("name, phrase, status", ENDS)
def test_a_faulty_program_gets_its_verdict_and_the_next_one_is_right(judge, name, phrase, status):
    """The fake breaks its process as a sticky error does: what runs in it later fails as well."""
    body = STICKY.replace("TEXT", by_torch(phrase, name))
    found = judge.prepare(Program.single(candidate(body))).verdict
    assert found.status is status and "device fault" in found.feedback, found.feedback
    assert phrase in found.feedback
    whole = candidate("assert not hasattr(torch, 'kernelevo_broken')\nreturn RESULT")
    assert judge.prepare(Program.single(whole)).verdict is None


@pytest.mark.slow
def test_a_fault_in_the_run_stage_alone_ends_there(judge):
    """In the build stage all is well; in the run stage the second call breaks the process for good."""
    body = (
        "import os\n"
        "if os.environ.get('KERNELEVO_STAGE') == 'run':\n"
        "    self.calls = getattr(self, 'calls', 0) + 1\n"
        "    if self.calls > 1: raise RuntimeError('Triton Error [CUDA]: misaligned address')\n"
        "return RESULT"
    )
    artifact = judge.prepare(Program.single(candidate(body)))
    assert artifact.verdict is None
    first, second = judge.measure(artifact), judge.measure(artifact)
    for found in (first, second):
        assert found.status is Status.CRASHED and "misaligned" in found.feedback
    assert judge.measure(judge.prepare(Program.single(candidate("return RESULT")))).status is Status.OK


def test_what_an_aborting_process_printed_is_read(judge):
    body = (
        "import os, sys\n"
        "os.write(2, b\"terminate called after throwing an instance of 'c10::AcceleratorError'\\n"
        '  what():  CUDA error: device-side assert triggered\\n")\n'
        "os.abort()"
    )
    found = judge.prepare(Program.single(candidate(body))).verdict
    assert found.status is Status.CRASHED and "an assertion failed on the device" in found.feedback


def test_a_hang_on_a_device_names_its_causes():
    words = device_faults.hang(40.0)
    assert re.search(r"within 40 s on the device.*barrier", words)


def test_a_baseline_that_breaks_is_the_machines_fault_and_is_started_anew(judge, monkeypatch):
    judge.warm()
    best = judge.ground.baselines.all["eager"]
    broken = best.session.child.pid
    fight = judge.ground.ring.fight

    def fails(session, defender, rule, **how):
        if defender.child.pid == broken:
            raise Failed(Status.CRASHED, "CUDA error: unspecified launch failure", pid=broken)
        return fight(session, defender, rule, **how)

    monkeypatch.setattr(judge.ground.ring, "fight", fails)
    artifact = judge.prepare(Program.single(candidate("return RESULT")))
    with pytest.raises(SandboxError, match="baseline failed"):
        judge.measure(artifact)
    assert judge.ground.baselines.all["eager"].session.child.pid != broken
    assert judge.measure(artifact).status is Status.OK

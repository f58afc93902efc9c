"""What this machine computes in, and with what; torch is imported only where it is asked."""

import ctypes
import platform
import re
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zoo.errors import UserError

LIBRARIES = ("torch", "transformers", "tokenizers", "scikit-learn", "numpy", "pandas")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that can change a run's numbers."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def multiplies_in_bf16() -> bool:
    """Return whether the hardware multiplies matrices in bf16: a GPU that has it, or a processor with AMX or
    AVX512-BF16. Any other processor is several times slower with it, or fifty times (see `bf16_products`)."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def refuse_several_gpus(next_step: str) -> None:
    """Refuse to train where one process sees several GPUs: Trainer would take as many batches at once as there are,
    for the same number of steps, which is another recipe than the one that is told.

    Raises:
        UserError: there are several; the line ends with `next_step`.
    """
    import torch

    if (number := torch.cuda.device_count()) > 1:
        raise UserError(f"A training takes one GPU a process, and this one sees {number}; {next_step}")


def prefers_plain_attention(bf16: bool) -> bool:
    """Return whether a model trains faster here with transformers' "eager" attention. On a processor torch's fused
    one takes a third of a step in bf16, nearly all of it in its backward pass: plain matrix products make a step of
    fine-tuning 1.2 to 1.3 times faster and one of pretraining 1.3 times (in float32 the two are alike)."""
    import torch

    return bf16 and not torch.cuda.is_available()


def bf16_products() -> AbstractContextManager[object]:
    """Return a context in which a processor without bf16 multiplies bf16 matrices at the speed of its float32: the
    operands are widened, multiplied, and the product is rounded once, which is what a processor with bf16 does.

    torch's own way there has no fast kernel: on an EPYC with AVX2 it made 1.4 GFLOP/s of a core's 70 in float32.
    Does nothing where the hardware multiplies in bf16.
    """
    if multiplies_in_bf16():
        return nullcontext()
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    aten = torch.ops.aten
    products = {aten.mm.default, aten.addmm.default, aten.bmm.default, aten.baddbmm.default}

    class Widened(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func not in products or args[0].dtype != torch.bfloat16:
                return func(*args, **kwargs or {})
            return func(*(operand.float() for operand in args), **kwargs or {}).bfloat16()

    return Widened()


def processor() -> str:
    """Return the processor's model name with what it multiplies with, or its architecture where the system tells no
    more."""
    info = Path("/proc/cpuinfo")
    described = describe_processor(info.read_text()) if info.is_file() else ""
    return described or platform.processor() or platform.machine()


def describe_processor(cpuinfo: str) -> str:
    """Return what Linux's /proc/cpuinfo says of the first processor, such as "AMD EPYC (AVX512, bf16)"; nothing where
    it has no model name. The name alone stands for machines of which one is three times as fast as another."""
    facts = dict(reversed([re.split(r"\s*:\s*", line, maxsplit=1) for line in cpuinfo.splitlines() if ":" in line]))
    flags = set(facts.get("flags", "").split())
    has = ["AVX512"] if "avx512f" in flags else ["AVX2"] if "avx2" in flags else []
    if flags & {"avx512_bf16", "amx_bf16"}:
        has.append("bf16")
    name = facts.get("model name", "")
    return f"{name} ({', '.join(has)})" if name and has else name


def reuse_memory() -> None:
    """Have glibc keep freed memory for the process instead of giving it back to the system after every step.

    Training frees and takes the same megabytes at each step; page faults were 8 to 14 % of its time. Does
    nothing where the C library is another one.
    """
    mmap_max, trim_threshold, top_pad = -4, -1, -2
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(top_pad, 2**28)


def matrix_rate(size: int = 1024, repeats: int = 10, batches: int = 10) -> float:
    """Return the operations a second of a product of square matrices here, in bf16 where the hardware multiplies in
    it and in float32 elsewhere: what a training's own rate is compared with. It is the fastest of several batches:
    what else runs on the machine only ever slows one down."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.randn(size, size, dtype=torch.bfloat16 if multiplies_in_bf16() else torch.float32, device=device)
    for _ in range(3):
        float((matrix @ matrix)[0, 0])
    fastest = float("inf")
    for _ in range(batches):
        start = time.perf_counter()
        for _ in range(repeats - 1):
            matrix @ matrix
        float((matrix @ matrix)[0, 0])  # a number read waits for a GPU to be done
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * size**3 * repeats / fastest

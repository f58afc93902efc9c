"""What this machine computes with, and in which precision. Only functions that need torch import it."""

import ctypes
import os
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


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device() -> str:
    """Return what models run on here, as torch names it: "cuda", "mps" (Apple's GPUs) or "cpu"."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def multiplies_in_bf16() -> bool:
    """Return whether the hardware multiplies matrices in bf16: a GPU that can, or a processor with AMX or AVX512-BF16.

    Any other processor is several times slower in bf16, up to fifty times (see `bf16_products`).
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def processes() -> int:
    """Return how many processes train one model, as `accelerate launch` and `torchrun` tell each of them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def refuse_several_gpus(next_step: str) -> None:
    """Refuse to train in one process where it sees several GPUs. Of several processes each takes one of them.

    Trainer would put one batch on each GPU in every step and make as many steps as before. That is another recipe than
    the one that is recorded.

    Raises:
        UserError: there are several; the line ends with `next_step`.
    """
    import torch

    if processes() == 1 and (number := torch.cuda.device_count()) > 1:
        raise UserError(f"A training takes one GPU a process, and this one sees {number}; {next_step}")


def prefers_plain_attention(bf16: bool) -> bool:
    """Return whether a model trains faster here with transformers' "eager" attention.

    On a processor in bf16, torch's fused attention takes a third of a step, nearly all of it in the backward pass.
    Plain matrix products make a step of fine-tuning 1.2 to 1.3 times faster, and a step of pretraining 1.3 times. In
    float32 the two are equally fast.
    """
    import torch

    return bf16 and not torch.cuda.is_available()


def bf16_products() -> AbstractContextManager[object]:
    """Return a context in which a processor without bf16 multiplies bf16 matrices at the speed of its float32.

    The operands are widened and multiplied, and the product is rounded once, as a processor with bf16 does it. torch
    has no fast kernel for this: on an EPYC with AVX2 it reached 1.4 GFLOP/s, where a core makes 70 in float32. The
    context does nothing where the hardware multiplies in bf16.
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
    """Return the processor's model name and its instruction sets, or its architecture where nothing more is known."""
    info = Path("/proc/cpuinfo")
    described = describe_processor(info.read_text()) if info.is_file() else ""
    return described or platform.processor() or platform.machine()


def describe_processor(cpuinfo: str) -> str:
    """Return what Linux's /proc/cpuinfo says of the first processor, such as "AMD EPYC (AVX512, bf16)".

    It is "" where there is no model name. The instruction sets are part of it because machines with the same model
    name differ in speed, up to three times.
    """
    facts = dict(reversed([re.split(r"\s*:\s*", line, maxsplit=1) for line in cpuinfo.splitlines() if ":" in line]))
    flags = set(facts.get("flags", "").split())
    has = ["AVX512"] if "avx512f" in flags else ["AVX2"] if "avx2" in flags else []
    if flags & {"avx512_bf16", "amx_bf16"}:
        has.append("bf16")
    name = facts.get("model name", "")
    return f"{name} ({', '.join(has)})" if name and has else name


def reuse_memory() -> None:
    """Make glibc keep freed memory for the process instead of giving it back to the system after every step.

    Training frees and takes the same megabytes at each step; page faults took 8 to 14 % of its time.
    """
    _set_glibc(mmap_max=0, trim_threshold=2**31 - 1, top_pad=2**28)


def spare_memory() -> None:
    """Make glibc give freed memory back to the system at once: the opposite of `reuse_memory`.

    What is kept falls into pieces, and LoRA's many small matrices break it up most. A step of bert-base (16 texts of
    128 tokens, float32) takes 2.6 GiB with LoRA this way, and 5.1 otherwise; but it took twice the processor time.
    """
    _set_glibc(mmap_max=65536, trim_threshold=2**20, top_pad=0, mmap_threshold=2**20)


def _set_glibc(**values: int) -> None:
    """Set parameters of glibc's allocator (see mallopt(3)). With another C library this does nothing."""
    numbers = {"trim_threshold": -1, "top_pad": -2, "mmap_threshold": -3, "mmap_max": -4}
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        for name, value in values.items():
            libc.mallopt(numbers[name], value)


def give_back_memory() -> None:
    """Give memory that this process has freed back to the system, as after reading a large file. With another C library
    than glibc this does nothing."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def matrix_rate(size: int = 1024, repeats: int = 10, batches: int = 10) -> float:
    """Return how many operations a second a product of square matrices makes here; a training's rate is compared with
    it.

    It is measured in bf16 where the hardware multiplies in bf16, and in float32 elsewhere. The fastest of several
    batches counts, because other work on the machine can only slow a batch down.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.randn(size, size, dtype=torch.bfloat16 if multiplies_in_bf16() else torch.float32, device=device)
    product = matrix @ matrix
    fastest = float("inf")
    for _ in range(batches):
        start = time.perf_counter()
        for _ in range(repeats):
            torch.mm(matrix, matrix, out=product)  # new memory for each would take as long as the product
        float(product[0, 0])  # a number read waits for a GPU to be done
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * size**3 * repeats / fastest

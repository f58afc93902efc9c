"""What this machine computes in."""

import platform
from pathlib import Path

import torch


def multiplies_in_bf16() -> bool:
    """Return whether the hardware multiplies matrices in bf16: a GPU that has it, or a processor with AMX or
    AVX512-BF16. Any other processor emulates bf16 and is several times slower with it."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def processor() -> str:
    """Return the processor's model name, or its architecture where the system tells no more."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

"""What a run costs: seconds, throughput and peak memory, measured by the run itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from benchmark.training.process import peak_memory_mib, reset_peak_memory
from benchmark.training.runs import Latency
from zoo.hardware import processor


@dataclass(frozen=True)
class Measured:
    """The cost fields of a run, named as in `RunInfo`."""

    train_seconds: float
    train_examples_per_second: float
    inference_examples_per_second: float
    peak_memory_mib: float
    parameters: int
    embedding_parameters: int
    trained_parameters: int
    truncated: float
    latency: tuple[Latency, ...]
    hardware: dict[str, str | int]


class Stopwatch:
    """Times the training and the inference of one run; making it starts the measurement of peak memory.

    On "cuda" the peak is that of the GPU's memory, as torch took it; on any other device that of the process.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        reset_peak_memory(device)
        self._seconds: dict[str, float] = {}

    @contextmanager
    def time(self, what: Literal["training", "inference"]) -> Iterator[None]:
        """Time the block; training includes its evaluations."""
        start = time.perf_counter()
        yield
        self._seconds[what] = time.perf_counter() - start

    def note(self, what: Literal["training", "inference"], seconds: float) -> None:
        """Take a time that was measured elsewhere."""
        self._seconds[what] = seconds

    def measured(
        self,
        *,
        train_examples: int,
        test_examples: int,
        parameters: int,
        embedding_parameters: int,
        trained_parameters: int,
        truncated: float,
        latency: tuple[Latency, ...],
        hardware: dict[str, str | int],
    ) -> Measured:
        """Return all that was measured, up to now."""
        return Measured(
            train_seconds=self._seconds["training"],
            train_examples_per_second=train_examples / self._seconds["training"],
            inference_examples_per_second=test_examples / self._seconds["inference"],
            peak_memory_mib=peak_memory_mib(self._device),
            parameters=parameters,
            embedding_parameters=embedding_parameters,
            trained_parameters=trained_parameters,
            truncated=truncated,
            latency=latency,
            hardware={"processor": processor(), **hardware},
        )

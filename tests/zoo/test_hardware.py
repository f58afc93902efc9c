"""What the machine is called, and that bf16 products are fast and rounded once, by hardware or by float32."""

import time

import pytest
import torch
from torch.nn.functional import linear

from zoo.errors import UserError
from zoo.hardware import bf16_products, describe_processor, processor, refuse_several_gpus


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("shapes", [((7, 64), (5, 64)), ((2, 3, 64), (5, 64))], ids=["rows", "batch of sequences"])
def test_a_layer_and_its_gradients_are_the_exact_products_rounded_once(shapes: tuple[tuple[int, ...], ...]) -> None:
    x, weight = (_random(*shape).bfloat16().requires_grad_() for shape in shapes)
    bias = _random(5).bfloat16().requires_grad_()
    with bf16_products():
        found = linear(x, weight, bias)
        found.sum().backward()
    exact_x, exact_weight = x.detach().double(), weight.detach().double()
    exact = linear(exact_x, exact_weight, bias.detach().double())
    ones = torch.ones_like(exact)
    assert found.dtype == torch.bfloat16
    for got, wanted in (
        (found, exact),
        (x.grad, ones @ exact_weight),
        (weight.grad, ones.flatten(0, -2).T @ exact_x.flatten(0, -2)),
    ):
        assert got is not None
        torch.testing.assert_close(got.double(), wanted, rtol=2**-8, atol=2**-8)


def test_a_product_of_batches_is_rounded_once_as_attention_needs_it() -> None:
    query, key = _random(4, 9, 32).bfloat16(), _random(4, 32, 9).bfloat16()
    with bf16_products():
        found = query @ key
    torch.testing.assert_close(found.double(), query.double() @ key.double(), rtol=2**-8, atol=2**-8)


def test_other_types_are_left_alone() -> None:
    x, weight = _random(7, 64), _random(5, 64)
    with bf16_products():
        assert torch.equal(linear(x, weight), linear(x.clone(), weight.clone()))
        assert linear(x, weight).dtype == torch.float32


@pytest.mark.alone
@pytest.mark.skipif(torch.cuda.is_available(), reason="a processor's products are timed")
def test_a_bf16_product_takes_at_most_four_times_as_long_as_one_in_float32() -> None:
    def seconds(matrix: torch.Tensor) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - start)
        return min(times)

    matrix = _random(1024, 1024)
    with bf16_products():
        assert seconds(matrix.bfloat16()) < 4 * seconds(matrix)


CPUINFO = """processor\t: 0
model name\t: AMD EPYC: 9B14
flags\t\t: fpu {flags} sse

processor\t: 1
model name\t: another
flags\t\t: fpu
"""


@pytest.mark.parametrize(
    ("flags", "has"),
    [
        ("avx2", " (AVX2)"),
        ("avx2 avx512f", " (AVX512)"),
        ("avx2 avx512f avx512_bf16", " (AVX512, bf16)"),
        ("avx2 avx512f amx_bf16", " (AVX512, bf16)"),
        ("", ""),
    ],
)
def test_processors_of_one_name_are_told_apart(flags: str, has: str) -> None:
    assert describe_processor(CPUINFO.format(flags=flags)) == f"AMD EPYC: 9B14{has}"


def test_a_processor_without_a_name_is_called_by_its_architecture() -> None:
    assert describe_processor("processor : 0\nBogoMIPS : 50\n") == ""
    assert processor()


def test_one_process_takes_one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, 1):
        monkeypatch.setattr(torch.cuda, "device_count", lambda number=number: number)
        refuse_several_gpus("set CUDA_VISIBLE_DEVICES=0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match="this one sees 2; set CUDA_VISIBLE_DEVICES=0"):
        refuse_several_gpus("set CUDA_VISIBLE_DEVICES=0")

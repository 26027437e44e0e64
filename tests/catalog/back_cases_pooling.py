"""Cases of the way back for the pooling family."""

from __future__ import annotations

from collections.abc import Iterator

from .back_case import BackCase, modules

_X = {1: "torch.randn(2, 3, 12)", 2: "torch.randn(2, 3, 12, 11)", 3: "torch.randn(2, 3, 8, 9, 7)"}


def _max_pool(n: int) -> Iterator[BackCase]:
    sizes = f"({', '.join('321'[:n])},)"
    yield from modules(
        f"MaxPool{n}d",
        _X[n],
        "2",
        "kernel_size=3, stride=2",
        f"{sizes}, None, 0",
        "3, 2, padding=1",
        "3, dilation=2",
        "3, stride=2, padding=1, ceil_mode=True",
        "3, 2, 1, 2, False, True",
        "3, return_indices=True",
        "3, 2, 1, 2, True, True",
    )


def _unpool(n: int) -> Iterator[BackCase]:
    sides = (12, 10, 8)[:n]
    pooled = f"F.max_pool{n}d(torch.randn(2, 3, {', '.join(map(str, sides))}), 2"
    inputs = {"x": f"{pooled})", "i": f"{pooled}, return_indices=True)[1]"}
    module = f"MaxUnpool{n}d"
    yield from modules(module, inputs, "2", "kernel_size=2, stride=3", "4, 2, padding=1", "4, 2, 1")
    size = f"{[side + 1 for side in sides]}"
    yield from modules(module, {**inputs, "size": size}, "2")
    for arguments in ("x, i, output_size=size", "x, indices=i, output_size=size"):
        yield BackCase(module, "2, stride=2", arguments, {**inputs, "size": size})
    yield BackCase(module, "2", f"x, i, {size}", inputs)
    yield BackCase(module, "2", f"x, i, output_size={size}", inputs)
    yield BackCase(module, "2", "x, i, None", inputs)


def _adaptive(n: int) -> Iterator[BackCase]:
    sizes = f"({', '.join('321'[:n])},)"
    yield from modules(f"AdaptiveAvgPool{n}d", _X[n], "1", f"output_size={sizes}", "5")
    yield from modules(
        f"AdaptiveMaxPool{n}d", _X[n], "1", "5, False", f"{sizes}, return_indices=True", "output_size=5", "5, True"
    )


def _fractional(n: int) -> Iterator[BackCase]:
    sizes, ratios = {2: ("(4, 3)", "(0.5, 0.75)"), 3: ("(4, 3, 2)", "(0.5, 0.75, 0.6)")}[n]
    module = f"FractionalMaxPool{n}d"
    yield from modules(
        module,
        _X[n],
        "2, 4",
        f"2, output_size={sizes}",
        f"2, None, {ratios}, False",
        "2, 3, return_indices=True, _random_samples=None",
        "2, 3, None, True",
    )
    for ratio in ("0.5", ratios):
        yield from modules(module, _X[n], f"kernel_size=2, output_ratio={ratio}")
    yield from modules(module, _X[n], f"2, 4, _random_samples=torch.rand(2, 3, {n})", left="NNC406")


def _avg_pool(n: int) -> Iterator[BackCase]:
    last = ", 3" if n > 1 else ""
    yield from modules(
        f"AvgPool{n}d",
        _X[n],
        "2",
        "kernel_size=3, stride=2, padding=1, count_include_pad=False",
        "3, None, 1, False, True",
        "(3,), ceil_mode=True" if n == 1 else "3, ceil_mode=True, divisor_override=2",
        f"3, 2, 1, True, False{last}",
    )


def _lp_pool(n: int) -> Iterator[BackCase]:
    # Positive values: a fractional power of a negative number is NaN.
    yield from modules(
        f"LPPool{n}d",
        _X[n].replace("randn", "rand"),
        "2, 3",
        "1.5, 2, 1",
        "norm_type=3, kernel_size=2, stride=2",
        "float('inf'), 3, 2, True",
        "2, 3, ceil_mode=True",
        "3, 3, 2, True",
    )


CASES: tuple[BackCase, ...] = (
    *(case for n in (1, 2, 3) for make in (_max_pool, _unpool, _adaptive) for case in make(n)),
    *(case for n in (2, 3) for case in _fractional(n)),
    *(case for n in (1, 2, 3) for make in (_avg_pool, _lp_pool) for case in make(n)),
)

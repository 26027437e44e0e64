"""Cases of the pooling family."""

from __future__ import annotations

from collections.abc import Iterator

from .case import Case, calls

_F = "torch.nn.functional"
_X = {1: "torch.randn(2, 3, 12)", 2: "torch.randn(2, 3, 12, 11)", 3: "torch.randn(2, 3, 8, 9, 7)"}


def _max_pool(n: int) -> Iterator[Case]:
    sizes = f"({', '.join('321'[:n])},)"
    plain = ("x, 2", "x, kernel_size=3, stride=2", f"x, {sizes}, None, 0", "x, 3, 2, 1, 2, True")
    yield from calls(
        f"{_F}.max_pool{n}d",
        _X[n],
        *plain,
        "x, 2, stride=1, return_indices=False",
        "x, 3, return_indices=True",
        "x, 3, 2, 1, 2, ceil_mode=True, return_indices=True",
        "x, 3, 2, 1, 2, True, True",
    )
    yield from calls(f"{_F}.max_pool{n}d_with_indices", _X[n], *plain, "x, 3, 2, return_indices=False")
    yield from calls(f"torch.max_pool{n}d", _X[n], *plain)


def _unpool(n: int) -> Iterator[Case]:
    sides = (12, 10, 8)[:n]
    pooled = f"F.max_pool{n}d(torch.randn(2, 3, {', '.join(map(str, sides))}), 2"
    inputs = {"x": f"{pooled})", "i": f"{pooled}, return_indices=True)[1]"}
    more = [side + 1 for side in sides]
    yield from calls(
        f"{_F}.max_unpool{n}d",
        inputs,
        "x, i, 2",
        "x, i, kernel_size=2, stride=3",
        f"x, i, 2, 2, 0, {more}",
        f"x, i, 2, stride=2, output_size={more}",
        "x, i, 4, 2, 1",
    )


def _adaptive(n: int) -> Iterator[Case]:
    sizes = f"({', '.join('321'[:n])},)"
    yield from calls(f"{_F}.adaptive_avg_pool{n}d", _X[n], "x, 1", f"x, output_size={sizes}", "x, 5")
    yield from calls(
        f"{_F}.adaptive_max_pool{n}d",
        _X[n],
        "x, 1",
        "x, 5, False",
        f"x, {sizes}, return_indices=True",
        "x, 5, True",
    )
    yield from calls(f"{_F}.adaptive_max_pool{n}d_with_indices", _X[n], "x, 1", f"x, {sizes}", "x, 5, False")


def _fractional(n: int) -> Iterator[Case]:
    sizes, ratios = {2: ("(4, 3)", "(0.5, 0.75)"), 3: ("(4, 3, 2)", "(0.5, 0.75, 0.6)")}[n]
    arguments = (
        "x, 2, 4",
        f"x, 2, output_size={sizes}",
        f"x, 2, None, {ratios}, False",
        f"x, kernel_size=2, output_ratio={ratios}",
    )
    yield from calls(f"{_F}.fractional_max_pool{n}d", _X[n], *arguments, "x, 2, 3, None, True")
    yield from calls(f"{_F}.fractional_max_pool{n}d_with_indices", _X[n], *arguments)


def _avg_pool(n: int) -> Iterator[Case]:
    last = ", 3" if n > 1 else ""
    yield from calls(
        f"{_F}.avg_pool{n}d",
        _X[n],
        "x, 2",
        "x, kernel_size=3, stride=2, padding=1, count_include_pad=False",
        "x, 3, None, 1, False, True",
        "x, (3,), ceil_mode=True" if n == 1 else "x, 3, ceil_mode=True, divisor_override=None",
        f"x, 3, 2, 1, True, False{last}",
    )


def _lp_pool(n: int) -> Iterator[Case]:
    # Positive values: a fractional power of a negative number is NaN.
    yield from calls(
        f"{_F}.lp_pool{n}d",
        _X[n].replace("randn", "rand"),
        "x, 2, 3",
        "x, 1.5, 2, 1",
        "x, norm_type=3, kernel_size=2, stride=2",
        "x, float('inf'), 3, 2, True",
        "x, 2, 3, 2, True",
    )


CASES: tuple[Case, ...] = (
    *(case for n in (1, 2, 3) for make in (_max_pool, _unpool, _adaptive) for case in make(n)),
    *(case for n in (2, 3) for case in _fractional(n)),
    *(case for n in (1, 2, 3) for make in (_avg_pool, _lp_pool) for case in make(n)),
    *calls("torch.max_pool1d_with_indices", _X[1], "x, 2", "x, 3, stride=2", "x, 3, 2, 1, 2, True"),
    *calls("torch.adaptive_max_pool1d", _X[1], "x, 1", "x, output_size=5", "x, (5,)"),
    *calls("torch.adaptive_avg_pool1d", _X[1], "x, 1", "x, output_size=5", "x, (5,)"),
    *calls("torch.avg_pool1d", _X[1], "x, 2", "x, 3, stride=2, padding=1", "x, 3, 2, 1, True, False"),
)

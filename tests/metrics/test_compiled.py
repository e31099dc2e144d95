import numpy as np
import pytest

from detbench.metrics import compiled as module
from detbench.metrics.compiled import compiled


def added(one: float, other: float, third: float) -> float:
    """A product and a sum."""
    return one * other + third


def test_a_product_is_rounded_before_it_is_added_to() -> None:
    """As NumPy does it: in one step (1 + 2⁻³⁰)² − 1 − 2⁻²⁹ would be 2⁻⁶⁰, in two it is 0."""
    one = 1 + 2.0**-30
    assert compiled(added)(one, one, -1 - 2.0**-29) == np.float64(one) * np.float64(one) - 1 - 2.0**-29 == 0


def test_without_a_place_to_keep_it_it_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only installation without a cache folder is no error."""
    whole = module.njit

    def njit(**settings: bool):
        if settings.get("cache"):
            raise RuntimeError("no locator available")
        return whole(**settings)

    monkeypatch.setattr(module, "njit", njit)
    assert compiled(added)(2.0, 3.0, 4.0) == 10.0

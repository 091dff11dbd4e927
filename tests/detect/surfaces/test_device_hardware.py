"""Device hardware: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

YES = [
    ("hardwareConcurrency", "8", "json"),
    ("device_memory", "8"),
    ("device-memory", "8", "header"),
    ("device.model", "SM-G991B", "json"),
    ("device.make", "Samsung", "json"),
    ("components.hardwareConcurrency.value", "4", "json"),
    ("sec-ch-ua-arch", '"x86"', "header"),
    ("cpu_arch", "arm64"),
    ("webgl_renderer", "ANGLE (Intel, Mesa Intel(R) UHD Graphics, OpenGL 4.6)", "json"),
    ("battery_level", "0.87", "json"),
    ("is_charging", "true", "json"),
    ("maxTouchPoints", "5"),
    ("model", "Pixel 8"),
    ("device_type", "Desktop", "json"),
    ("signs.memory", "8", "json"),
    ("device.memory.estimated_capacity.value", "16", "json"),
    ("num_cores", "8", "json"),
    ("cpuLogicalCores", "12", "json"),
    ("system_memory_gb", "16"),
]
NO = [
    ("model", "pricing-v2"),
    ("model", "gpt"),
    ("cores", ""),
    ("memory", "of a summer"),
    ("device_model", "null"),
    ("brand", "Acme Shoes"),
    ("architecture", "brutalism"),
    ("gpu", "yes please"),
    ("charging", "soon"),
    ("type", "mobile"),
    ("ram", "chips"),
    ("battery", "AA"),
    ("memory", "the sea", "json"),
    ("memory", "173015040", "json"),
    ("num_cores", "many", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_hardware", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_hardware", *case) == 0

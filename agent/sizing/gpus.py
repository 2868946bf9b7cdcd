"""An accelerator as the calculators need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from agent.sizing.arch import known_fields
from agent.sizing.errors import SizingError
from agent.sizing.inputs import GIB, MAX_BYTES, exact

ASSUMED_VISIBLE_SHARE = Fraction(97, 100)
"""Share of the nominal memory taken as visible where no reading of the runtime is known: between the 93% of 48 GB cards with
inline ECC and the 99% of HBM cards."""

GPU_SPEC_FIELDS = (
    "name",
    "memory_bytes",
    "memory_gib",
    "memory_gb",
    "memory_bandwidth_gbps",
    "dense_bf16_tflops",
    "dense_fp8_tflops",
    "dense_int8_tops",
    "power_w",
    "interconnect",
)


@dataclass(frozen=True, slots=True)
class Gpu:
    """Dense rates in FLOP/s (no sparsity), bandwidth in bytes/s, `memory_bytes` as the runtime reports it. None: not known."""

    name: str
    memory_bytes: Fraction | None = None
    bandwidth: Fraction | None = None
    bf16_flops: Fraction | None = None
    fp8_flops: Fraction | None = None
    int8_ops: Fraction | None = None
    power_w: Fraction | None = None
    interconnect: str = ""
    memory_note: str = ""
    id: str = ""

    def memory(self) -> Fraction:
        """Visible bytes; an error where they are not known."""
        if self.memory_bytes is None:
            raise SizingError(f"{self.name}: memory_bytes is missing", f"{self.name}：缺少显存大小（memory_bytes）")
        return self.memory_bytes


def gpu_from_spec(given: Mapping[str, Any], base: Gpu | None = None) -> Gpu:
    """An explicit `gpu_spec`; what it leaves out comes from `base`, a catalog GPU."""
    if not isinstance(given, Mapping):
        raise SizingError(f"gpu_spec is {given!r}; expected an object with: {', '.join(GPU_SPEC_FIELDS)}")
    known_fields(given, GPU_SPEC_FIELDS, "gpu_spec")
    old = base or Gpu("the given GPU")
    memory, note = old.memory_bytes, old.memory_note
    for key, unit, kind in (("memory_bytes", 1, "bytes"), ("memory_gib", GIB, "gib"), ("memory_gb", 10**9, "gb")):
        if given.get(key) is not None:
            memory, note = exact(given[key], f"gpu_spec.{key}", high=MAX_BYTES, kind=kind) * unit, ""
            break

    def scaled(key: str, factor: int, default: Fraction | None) -> Fraction | None:
        return default if given.get(key) is None else exact(given[key], f"gpu_spec.{key}", high=10**9) * factor

    return Gpu(
        name=str(given.get("name") or old.name),
        memory_bytes=memory,
        bandwidth=scaled("memory_bandwidth_gbps", 10**9, old.bandwidth),
        bf16_flops=scaled("dense_bf16_tflops", 10**12, old.bf16_flops),
        fp8_flops=scaled("dense_fp8_tflops", 10**12, old.fp8_flops),
        int8_ops=scaled("dense_int8_tops", 10**12, old.int8_ops),
        power_w=scaled("power_w", 1, old.power_w),
        interconnect=str(given.get("interconnect") or old.interconnect),
        memory_note=note,
        id=old.id,
    )


def gpu_from_shape(shape: Mapping[str, Any], name: str, gpu_id: str = "") -> Gpu:
    """A catalog record's first claims as a `Gpu`; nominal memory is reduced where no visible figure is known."""

    def rate(key: str, factor: int) -> Fraction | None:
        return Fraction(str(shape[key])) * factor if shape.get(key) is not None else None

    memory, note = rate("visible_memory_gib", GIB), ""
    if memory is None:
        nominal = rate("memory_gib", GIB) or rate("memory_gb", 10**9)
        memory = nominal * ASSUMED_VISIBLE_SHARE if nominal else None
        note = "assumed" if nominal else ""
    return Gpu(
        name=name,
        memory_bytes=memory,
        bandwidth=rate("memory_bandwidth_gbps", 10**9),
        bf16_flops=rate("dense_bf16_tflops", 10**12),
        fp8_flops=rate("dense_fp8_tflops", 10**12),
        int8_ops=rate("dense_int8_tops", 10**12),
        power_w=rate("power_w", 1),
        interconnect=str(shape.get("interconnect") or ""),
        memory_note=note,
        id=gpu_id,
    )

"""The arithmetic that an archive's decoder must share with its encoder.

It does not import TensorFlow by itself, so that commands can choose the arithmetic before.
"""

import dataclasses
import os
import platform

MODES = ("plain", "portable")
# XLA then uses AVX2 on every processor that has it, so that all round alike.
_PORTABLE_FLAG = "--xla_cpu_max_isa=AVX2"
# By code: a set of instructions, and the flags of the processors that have it.
_INSTRUCTIONS: dict[int, tuple[str, frozenset[str]]] = {
    0: ("unknown", frozenset()),
    1: ("SSE", frozenset({"sse2"})),
    2: ("AVX", frozenset({"avx"})),
    3: ("AVX2", frozenset({"avx2", "fma"})),
    4: ("AVX-512", frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})),
    5: ("AVX-512 bfloat16", frozenset({"avx512f", "avx512_bf16"})),
    6: ("AMX", frozenset({"avx512f", "amx_tile"})),
    7: ("Arm", frozenset()),
    8: ("GPU or TPU", frozenset()),
}
_AVX2, _ARM, _ACCELERATOR = 3, 7, 8


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """The settings that the rounding of probabilities depends on.

    Attributes:
        mode: "portable", the same on every x86-64 processor with AVX2; or "plain", the fastest.
        tensorflow: version, (2, 21, 0).
        instructions: code of the processor's instructions.
        batch: tiles of a program.
    """

    mode: str
    tensorflow: tuple[int, int, int]
    instructions: int
    batch: int

    def differences(self) -> str:
        """In words, what this process lacks; empty if it has the same arithmetic."""
        own, found = of_this_process(self.batch), []
        if self.tensorflow != own.tensorflow:
            found.append("TensorFlow " + ".".join(map(str, self.tensorflow)))
        if (self.mode, self.instructions) != (own.mode, own.instructions):
            name, _ = _INSTRUCTIONS.get(self.instructions, _INSTRUCTIONS[0])
            found.append(f"{self.mode} arithmetic with {name} instructions")
        return " and ".join(found)


def of_this_process(batch: int) -> Arithmetic:
    """The arithmetic of this process.

    Args:
        batch: tiles of a program.
    """
    import tensorflow as tf

    from cascade_tf.strategies import has_accelerators

    major, minor, patch = tf.__version__.split("-")[0].split(".")[:3]
    version = int(major), int(minor), int("".join(filter(str.isdigit, patch)) or 0)
    codes = {_ACCELERATOR} if has_accelerators() else _of_the_processor()
    if _PORTABLE_FLAG in os.environ.get("XLA_FLAGS", "").split() and _AVX2 in codes:
        return Arithmetic("portable", version, _AVX2, batch)
    return Arithmetic("plain", version, max(codes), batch)


def use_portable() -> None:
    """Makes this process use portable arithmetic, if its processor can.

    To be called before TensorFlow is imported.
    """
    if _AVX2 in _of_the_processor():
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_PORTABLE_FLAG}".strip()


def _of_the_processor() -> set[int]:
    """Codes of all instructions that this machine's processor has."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return {_ARM}
    flags = _cpu_flags()
    return {0} | {code for code, (_, needed) in _INSTRUCTIONS.items() if needed and needed <= flags}


def _cpu_flags() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo") as file:
            lines = [line for line in file if line.startswith("flags")]
    except OSError:
        return frozenset()
    return frozenset(lines[0].partition(":")[2].split()) if lines else frozenset()

"""The arithmetic of an archive's probabilities, and what a decoder's may differ in."""

import dataclasses
import platform

import tensorflow as tf

from cascade_tf.strategies import has_accelerators

MODES = ("plain", "portable")
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
_ARM, _ACCELERATOR = 7, 8


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """The arithmetic of an encoder.

    Attributes:
        mode: "portable", float64 with a margin for its rounding errors, which all machines share;
            or "plain", that of the network, which depends on the attributes below.
        tensorflow: version, (2, 21, 0).
        instructions: code of the processor's instructions.
        batch: tiles of a program.
    """

    mode: str
    tensorflow: tuple[int, int, int]
    instructions: int
    batch: int

    def differences(self) -> str:
        """In words, what this process does not share; empty if it shares all."""
        own = of_this_process(self.mode, self.batch)
        named = zip(self._in_words(), own._in_words(), strict=True)
        return " and ".join(name for name, here in named if name != here)

    def needs(self) -> str:
        """In words, what a decoder needs; empty if the arithmetic is portable."""
        return " and ".join(self._in_words()) if self.mode == "plain" else ""

    def _in_words(self) -> tuple[str, str]:
        name, _ = _INSTRUCTIONS.get(self.instructions, _INSTRUCTIONS[0])
        return "TensorFlow " + ".".join(map(str, self.tensorflow)), f"{name} instructions"


def of_this_process(mode: str, batch: int) -> Arithmetic:
    """The arithmetic of this process.

    Args:
        mode: "portable" or "plain".
        batch: tiles of a program.
    """
    major, minor, patch = tf.__version__.split("-")[0].split(".")[:3]
    version = int(major), int(minor), int("".join(filter(str.isdigit, patch)) or 0)
    instructions = _ACCELERATOR if has_accelerators() else _of_the_processor()
    return Arithmetic(mode, version, instructions, batch)


def _of_the_processor() -> int:
    """The highest code of the instructions that this machine's processor has."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return _ARM
    flags = _cpu_flags()
    known = [code for code, (_, needed) in _INSTRUCTIONS.items() if needed and needed <= flags]
    return max(known, default=0)


def _cpu_flags() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo") as file:
            lines = [line for line in file if line.startswith("flags")]
    except OSError:
        return frozenset()
    return frozenset(lines[0].partition(":")[2].split()) if lines else frozenset()

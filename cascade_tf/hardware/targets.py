"""TPUs and GPUs whose compilers run without them, and their published limits."""

import dataclasses

# Fields of XLA's GpuTargetConfigProto, from NVIDIA's data sheets.
_GPU = """
gpu_device_info {{
  threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048
  shared_memory_per_block: 49152 shared_memory_per_block_optin: {shared}
  shared_memory_per_core: {shared_of_core} registers_per_core_limit: 65536
  registers_per_block_limit: 65536 core_count: {cores} fpus_per_core: {fpus}
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: {bandwidth:.0f} l2_cache_size: {cache} clock_rate_ghz: {clock}
  device_memory_size: {memory:.0f} cuda_compute_capability {{ major: {major} minor: {minor} }}
}}
platform_name: "CUDA" dnn_version_info {{ major: 9 minor: 8 patch: 0 }}
device_description_str: "{name}"
"""


@dataclasses.dataclass(frozen=True)
class Target:
    """A device to compile for.

    Attributes:
        device: its name.
        platform: "TPU" or "GPU".
        topology: of the compile-only client: a TPU slice, or a GpuTargetConfigProto.
        memory: bytes of a device that a program can use.
        bandwidth: bytes a second of that memory.
        peak: multiply-adds and other operations a second, by the precision of a training. In
            float32, TPUs multiply bfloat16, and GPUs from Ampere on TF32.
    """

    device: str
    platform: str
    topology: str
    memory: float
    bandwidth: float
    peak: dict[str, float]


def _tpu(
    device: str, topology: str, gibibytes: float, bandwidth: float, teraflops: float
) -> Target:
    peak = {"float32": teraflops * 1e12, "bfloat16": teraflops * 1e12}
    return Target(device, "TPU", topology, gibibytes * 2**30, bandwidth * 1e9, peak)


def _gpu(
    device: str,
    capability: tuple[int, int],
    cores: int,
    fpus: int,
    clock: float,
    shared: tuple[int, int],
    cache: int,
    gibibytes: float,
    bandwidth: float,
    peak: tuple[float, float],
) -> Target:
    """`shared` and `cache` are kibibytes; `bandwidth` and `peak` are GB/s and TFLOP/s."""
    memory = gibibytes * 2**30
    topology = _GPU.format(
        name=device,
        major=capability[0],
        minor=capability[1],
        cores=cores,
        fpus=fpus,
        clock=clock,
        shared=shared[0] * 1024,
        shared_of_core=shared[1] * 1024,
        cache=cache * 1024,
        memory=memory,
        bandwidth=bandwidth * 1e9,
    )
    rates = {"float32": peak[0] * 1e12, "bfloat16": peak[1] * 1e12}
    return Target(device, "GPU", topology, memory, bandwidth * 1e9, rates)


# Memory of a TPU is what libtpu 0.0.52 grants to a program: a little less than the device has.
TARGETS: dict[str, Target] = {
    "tpu-v3": _tpu("a core of a TPU v3", "v3:2x2", 15.48, 450, 61.5),
    "tpu-v4": _tpu("a core of a TPU v4", "v4:2x2x1", 15.25, 614, 137.5),
    "tpu-v5e": _tpu("a TPU v5e", "v5e:2x2", 15.75, 819, 197),
    "tpu-v5p": _tpu("a TPU v5p", "v5p:2x2x1", 95.73, 2765, 459),
    "tpu-v6e": _tpu("a TPU v6e", "v6e:2x2", 31.24, 1640, 918),
    "gpu-v100": _gpu(
        "V100 SXM2 16GB", (7, 0), 80, 64, 1.53, (96, 96), 6144, 15.7, 900, (15.7, 15.7)
    ),
    "gpu-a100": _gpu(
        "A100 SXM4 80GB", (8, 0), 108, 64, 1.41, (163, 164), 40960, 79.1, 2039, (156, 312)
    ),
    "gpu-h100": _gpu(
        "H100 SXM5 80GB", (9, 0), 132, 128, 1.98, (227, 228), 51200, 79.1, 3352, (495, 989)
    ),
}

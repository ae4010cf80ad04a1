"""A TPU needs the whole training step in XLA with static shapes; every stage's step has that."""

import pytest
import tensorflow as tf

from cascade_cli.command_line import flags_of, open_experiment
from cascade_tf.averages import PolyakAverage
from cascade_tf.examples import Examples
from cascade_tf.stage import Stage
from cascade_tf.xla_choice import compiled_by_xla
from tests.cascade_cli.commands import TINY_GAN, TINY_MODEL

_DECODERS = ("--levels=1", "--packet_width=8", "--head_width=4", "--patch_size=8")
_OWN = ("--image_size", "--learning_rate", "--batch_size")
_SPN = tuple(flag for flag in TINY_MODEL if not flag.startswith(_OWN))
_SYSTEMS = {
    "spn": ("--upscaling=multidimensional", *_SPN),
    "nsb": ("--system=nsb", "--prior=biggan", *_DECODERS, *TINY_GAN),
    "spn of latents": ("--optimizer=muon", "--system=nsb", "--prior=spn", *_DECODERS, *_SPN),
    "nsb_pixel": ("--system=nsb_pixel", "--levels=1", "--pixel_width=8"),
    "vqvae2": (
        *("--system=vqvae2", "--vq_width=8", "--vq_codes=16", "--vq_code_size=4"),
        *("--pixelsnail_blocks=1", "--pixelsnail_residual_blocks=1", "--pixelsnail_filters=8"),
    ),
    "biggan": (
        *("--system=biggan", "--architecture=biggan_deep", *TINY_GAN, "--image_size=16"),
        *("--gan_orthogonal_regularisation=1e-4", "--gan_accumulations=2"),
    ),
}
_SHARED = (
    "--dataset=digits",
    "--image_size=32",
    "--channels=1",
    "--batch_size=4",
    "--learning_rate=1e-3,1e-4",
    "--learning_rate_boundaries=5",
    "--learning_rate_decay=cosine",
    "--warmup=3",
    "--clip_norm=1",
    "--workdir=none",
)


@pytest.mark.parametrize("system", _SYSTEMS)
def test_the_whole_step_of_every_stage_is_xla(system):
    """Only lowers the step: compiling for this machine takes far longer."""
    arguments = [*_SHARED, *_SYSTEMS[system]]
    _, experiment = open_experiment(arguments, flags_of("train"))
    names = experiment.stage_names
    for name in names[:1] if "--prior=spn" in arguments else names:
        hlo = _lowered_step(experiment.make_stage(name), experiment.data(name).image_size)
        assert hlo.count("\n") > 200, name
        for word in ("infeed", "outfeed", "callback", "send("):  # host operations
            assert word not in hlo, name
        assert "[<=" not in hlo and ",<=" not in hlo, name  # dynamic shapes


def _lowered_step(stage: Stage, size: int) -> str:
    """HLO text of the training step of a stage."""
    stage.build()
    average = PolyakAverage(stage.averaged_variables(), 0.99, 3)
    images = tf.zeros([4, size, size, 1], tf.uint8)
    examples = Examples(images, tf.zeros([4], tf.int32), tf.range(4, dtype=tf.int64))

    def step(images, labels, indices, number):
        metrics = stage.train_step(Examples(images, labels, indices), number)
        average.update(number)
        return metrics

    return compiled_by_xla(step).experimental_get_compiler_ir(*examples, tf.constant(0, tf.int64))(
        stage="hlo"
    )

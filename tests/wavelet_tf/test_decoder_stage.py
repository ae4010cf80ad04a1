import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.data import open_source
from cascade_tf.errors import SettingError
from cascade_tf.sample_request import SampleRequest
from cascade_tf.strategies import make_strategy
from cascade_tf.training import Trainer
from cascade_tf.training_config import TrainingConfig
from tests.cascade_tf.trainings import final_weights, scalars
from tests.wavelet_tf.small_decoders import KINDS, PHOTOS, SMALL, built, chain, photographs, stage
from wavelet_tf.decoder_stage import PixelDecoderStage, WaveletDecoderStage

WIDER = {
    WaveletDecoderStage: dict(packet_width=32, head_width=16),
    PixelDecoderStage: dict(pixel_width=8),
}


def _trained(directory, untrained, strategy=None, **config):
    directory.mkdir(exist_ok=True)
    trainer = Trainer(
        untrained,
        TrainingConfig(
            **{
                "batch_size": 8,
                "steps": 3,
                "evaluate_every": 0,
                "summary_every": 1,
                "sample_images": 3,
            }
            | config
        ),
        open_source(PHOTOS, "train"),
        directory,
        open_source(PHOTOS, "test"),
        strategy or tf.distribute.get_strategy(),
    )
    trainer.train()
    return trainer


def test_two_replicas_equal_one(tmp_path):
    """BatchNorm uses the examples of both replicas. jit_compile is ignored, not an error."""
    kind = WaveletDecoderStage
    one = _trained(tmp_path / "one", stage(kind), steps=2)
    two = _trained(
        tmp_path / "two", stage(kind, jit_compile=True), make_strategy("mirrored"), steps=2
    )
    for tag in ("loss", "gradient_norm"):  # Adam hides a gradient twice as large
        curves = [scalars(tmp_path / name, "train", tag).values() for name in ("one", "two")]
        np.testing.assert_allclose(*map(list, curves), rtol=1e-3, err_msg=tag)
    actual = final_weights(two)
    for name, value in final_weights(one).items():
        if "velocity" in name or "momentum" in name:
            continue  # some gradients are nearly zero
        np.testing.assert_allclose(actual[name], value, rtol=1e-2, atol=1e-4, err_msg=name)


def test_two_replicas_equal_one_with_a_discriminator_of_patches(tmp_path):
    kind, loss = PixelDecoderStage, dict(decoder_loss=("mse", "adversarial"), adversarial_width=4)
    one = _trained(tmp_path / "one", stage(kind, **loss), steps=2)
    two = _trained(tmp_path / "two", stage(kind, **loss), make_strategy("mirrored"), steps=2)
    for tag in ("loss", "loss/adversarial", "discriminator_loss", "gradient_norm"):
        curves = [scalars(tmp_path / name, "train", tag).values() for name in ("one", "two")]
        np.testing.assert_allclose(*map(list, curves), rtol=1e-3, atol=1e-5, err_msg=tag)
    actual = final_weights(two)
    for name, value in final_weights(one).items():
        if name.startswith("discriminator/"):
            np.testing.assert_allclose(actual[name], value, rtol=1e-2, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_the_decoder_learns_what_the_discriminator_calls_real(kind):
    """Alone, the decoder raises the logits; alone, the discriminator tells real from made."""
    first = built(
        kind,
        decoder_loss=("adversarial",),
        adversarial_weight=1.0,
        adversarial_width=8,
        learning_rate=(1e-3,),
    )
    examples = _examples(16)
    figures, gradients, of_discriminator = first._gradients(examples.images)
    coarse, true = first.decoder.split(first.target(examples.images))
    predicted = first.decoder(coarse, training=True)
    real, fake = [first.discriminator(coarse, first.decoder.details(x)) for x in (true, predicted)]
    np.testing.assert_allclose(figures["loss"], -np.mean(fake), rtol=1e-4, atol=1e-6)
    hinge = np.maximum(1 - real, 0) + np.maximum(1 + fake, 0)
    np.testing.assert_allclose(figures["discriminator_loss"], hinge.mean(), rtol=1e-4)
    assert any(np.any(g) for g in of_discriminator) and any(np.any(g) for g in gradients)
    variables = first.discriminator.trainable_variables
    for _ in range(30):
        _, _, gradients = first._gradients(examples.images)
        first._discriminating.apply(gradients, variables)
    assert first._gradients(examples.images)[0]["discriminator_loss"] < 0.9 * hinge.mean()


def test_a_perceptual_loss_is_of_images_in_features_of_inception(inception_wheel):
    first = stage(WaveletDecoderStage, decoder_loss=("perceptual",), perceptual_weight=2.0)
    assert first.needs_inception and not stage(WaveletDecoderStage).needs_inception
    first.inception = str(inception_wheel)
    first.build()
    images = photographs(2)
    figures, gradients, _ = first._gradients(images)
    fine = first.target(images)
    coarse, _ = first.decoder.split(fine)
    made = first.decoder.join(coarse, first.decoder(coarse, training=True))
    layers = zip(*(first._perceptual(2 * x - 1) for x in (made, fine)), strict=True)
    expected = 0.0
    for ours, theirs in layers:
        ours, theirs = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (ours, theirs))
        expected += np.mean(np.sum((ours - theirs) ** 2, axis=-1))
    np.testing.assert_allclose(figures["loss"], 2 * expected, rtol=1e-3)
    assert any(np.any(gradient) for gradient in gradients)


def test_a_perceptual_loss_needs_the_weights_and_large_enough_images():
    first = built(WaveletDecoderStage, decoder_loss=("perceptual",))
    assert first.decode(first.condition(photographs())).shape == (4, 32, 32, 3)
    with pytest.raises(SettingError, match="needs the weights of Inception"):
        first._gradients(photographs())
    with pytest.raises(SettingError, match="to16 is smaller than 32x32"):
        stage(WaveletDecoderStage, level=1, decoder_loss=("perceptual",))


@pytest.mark.parametrize("origin", [("mse",), ("mse", "adversarial")])
def test_a_start_takes_the_discriminator_that_there_is(origin, tmp_path):
    def started(name, loss, **config):
        (tmp_path / name).mkdir()
        untrained = stage(PixelDecoderStage, decoder_loss=loss, **config.pop("training", {}))
        return _trained(tmp_path / name / "to32", untrained, steps=1, **config).state.stage

    first = started("first", origin)
    still = dict(training=dict(learning_rate=(1e-12,)), seed=1)
    new = started("new", ("mse", "adversarial"), init_from=str(tmp_path / "first"), **still)
    for name, network in first.networks().items():
        weights = zip(
            network.trainable_weights, new.networks()[name].trainable_weights, strict=True
        )
        for expected, weight in weights:
            np.testing.assert_allclose(weight.numpy(), expected.numpy(), atol=1e-9)
    kernels = [convolution.kernel.numpy() for convolution in new.discriminator.convolutions]
    assert all(kernel.std() > 0 for kernel in kernels)


@pytest.mark.parametrize("field", ["perceptual_weight", "adversarial_weight", "adversarial_width"])
def test_settings_of_terms_that_the_loss_lacks_are_refused(field):
    with pytest.raises(SettingError, match=f"{field}=3.*: it means nothing without"):
        stage(WaveletDecoderStage, **{field: 3})


def test_the_details_are_those_that_join_puts_back():
    for kind in KINDS:
        first = built(kind)
        coarse, true = first.decoder.split(first.target(photographs()))
        details = first.decoder.details(true)
        assert details.shape[:3] == coarse.shape[:3]
        assert details.shape.num_elements() == true.shape.num_elements()


@pytest.mark.parametrize("losses", [(), ("mse", "mse"), ("mae",)])
def test_other_lists_of_losses_are_refused(losses):
    with pytest.raises(SettingError, match="decoder_loss"):
        stage(WaveletDecoderStage, decoder_loss=losses)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_under_xla_equal_those_without(kind):
    first = chain(kind)[0]
    plain = first._gradients(photographs())
    compiled = tf.function(first._gradients, jit_compile=True, autograph=False)(photographs())
    for name, expected in plain[0].items():
        np.testing.assert_allclose(compiled[0][name], expected, rtol=1e-4)
    for actual, expected in zip(compiled[1], plain[1], strict=True):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0.02, atol=2e-3 * scale)


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_photographs(kind):
    """It overfits sixteen photographs to less than half of the error before training."""
    config = dataclasses.replace(SMALL[kind], **WIDER[kind])
    first = built(kind, 1, config, learning_rate=(3e-3,))
    examples = _examples(16)
    floor = float(tf.reduce_mean(first.evaluate_step(examples)["mse"]))
    step = tf.function(first.train_step, autograph=False)
    for number in range(100):
        mse = float(step(examples, tf.constant(number, tf.int64))["mse"])
    assert mse < 0.5 * floor


@pytest.mark.parametrize("kind", KINDS)
def test_previews_show_condition_reconstruction_and_target(kind):
    progress = []
    previews = built(kind).previews(_examples(3), lambda: progress.append(1))
    rows = previews.pop("condition, prediction, target")
    assert rows.shape == (3, 32, 3 * 32, 3) and progress
    np.testing.assert_array_equal(rows[:, :, 64:], photographs(3))
    if kind is WaveletDecoderStage:
        bands = previews.pop("bands, predicted and true")
        assert bands.shape == (3, 2 * 16, 3 * 16, 3)
        # Untrained, it predicts zero bands.
        assert np.all(bands[:, :16] == 128) and np.ptp(bands[:, 16:]) > 50
    assert not previews


def _examples(count):
    return next(iter(open_source(PHOTOS, "test").evaluation_examples(count, limit=count)))


def test_an_interrupted_training_ends_like_one_never_interrupted(tmp_path):
    def weights(name, steps):
        untrained = stage(WaveletDecoderStage, decoder_loss=("mse", "adversarial"))
        return final_weights(_trained(tmp_path / name, untrained, steps=steps))

    whole = weights("whole", 4)
    weights("parts", 2)
    parts = weights("parts", 4)
    assert any("discriminating" in name for name in whole)
    for name, value in whole.items():
        np.testing.assert_array_equal(value, parts[name], name)


def test_averages_include_the_statistics_of_batch_normalisation():
    averaged = {variable.path for variable in built(WaveletDecoderStage).averaged_variables()}
    assert sum("moving_variance" in path for path in averaged) == 14 + 1


def test_the_condition_of_a_bfloat16_decoder_is_not_rounded():
    half = built(WaveletDecoderStage, precision="bfloat16")
    inputs = []
    half.decoder._packet = lambda band: inputs.append(band) or tf.zeros([4, 8, 8, 12])
    coarse = half.condition(photographs())
    half.decoder(coarse)
    np.testing.assert_array_equal(inputs[0], coarse)


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_computes_with_float32_weights(kind):
    half, single = built(kind, precision="bfloat16"), built(kind)
    assert half.decoder.unet.compute_dtype == "bfloat16"
    assert {weight.dtype for weight in half.decoder.weights} == {"float32"}
    for ours, theirs in zip(half.decoder.weights, single.decoder.weights, strict=True):
        if "kernel" in ours.path:
            theirs.assign(tf.random.stateless_normal(theirs.shape, [1, 2], stddev=0.1))
        ours.assign(theirs)
    channels = half.decoder.unet.down[0][0].convolution.kernel.shape[2]
    features = half.decoder.unet(tf.zeros([1, 16, 16, channels], tf.bfloat16), training=True)
    assert features.dtype == tf.bfloat16 and half.decoder(half.condition(photographs())).dtype == (
        tf.float32
    )
    losses = [float(each._gradients(photographs())[0]["loss"]) for each in (half, single)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02) and losses[0] != losses[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_target_of_a_stage_is_the_condition_of_the_next(kind):
    first, second = chain(kind)
    images = photographs()
    np.testing.assert_array_equal(first.target(images), second.condition(images))
    samples = second.sample(SampleRequest(4, condition=second.condition(images)))
    assert samples.shape == second.target(images).shape == (4, 32, 32, 3)
    assert (first.name, second.name) == ("to16", "to32")
    with pytest.raises(ValueError, match="condition: stage to16 needs one"):
        first.sample(SampleRequest(4))
    with pytest.raises(ValueError, match="temperature: stage to32 cannot use it"):
        second.sample(SampleRequest(4, temperature=0.5, condition=second.condition(images)))


def test_replicas_share_a_batch_to_decode():
    with make_strategy("mirrored").scope():
        two = built(WaveletDecoderStage)
    one = built(WaveletDecoderStage)
    for variable in (*one.decoder.variables, *two.decoder.variables):
        variable.assign(tf.random.stateless_uniform(variable.shape, [5, 6]))
    condition = one.condition(photographs(3))  # not divisible by two
    request = SampleRequest(3, condition=condition)
    np.testing.assert_allclose(two.sample(request), one.sample(request), rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_targets_of_the_last_stage_are_the_images(kind):
    images = photographs()
    np.testing.assert_array_equal(built(kind).to_images(built(kind).target(images)), images)


@pytest.mark.parametrize(
    "kind, change, expected",
    [
        (WaveletDecoderStage, dict(patch_size=12), "patch_size=12: TL after 2 transforms is 8"),
        (WaveletDecoderStage, dict(patch_size=16), "patch_size=16: TL after 2 transforms is 8"),
        (WaveletDecoderStage, dict(patch_size=4), "patch_size=4: the UNet halves it 3 times"),
        (WaveletDecoderStage, dict(wavelet="db0"), "wavelet=db0: 'db0' is not a discrete"),
        (
            WaveletDecoderStage,
            dict(wavelet="dmey", wavelet_mode="periodization"),
            "wavelet=dmey: the filters of 'dmey' are truncated",
        ),
        (WaveletDecoderStage, dict(wavelet="haar"), "wavelet=haar: mode 'reflect' is for"),
        (WaveletDecoderStage, dict(levels=6), "levels=6: images of 32x32 pixels cannot be"),
        (WaveletDecoderStage, dict(levels=0), "levels=0: use 1 or more"),
        (WaveletDecoderStage, dict(channels=2), "channels=2: use 1"),
        (WaveletDecoderStage, dict(head_width=0), "head_width=0: use 1 or more"),
        (
            PixelDecoderStage,
            dict(levels=3),
            "image_size=32 levels=3: the first stage's UNet halves 8x8 pixels",
        ),
    ],
)
def test_invalid_settings_are_refused_by_name(kind, change, expected):
    with pytest.raises(SettingError) as error:
        stage(kind, config=dataclasses.replace(SMALL[kind], **change))
    assert str(error.value).startswith(expected)

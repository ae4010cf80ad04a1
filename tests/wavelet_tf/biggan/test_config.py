import pytest

from cascade_tf.errors import SettingError
from wavelet_tf.biggan.config import BigGANConfig


@pytest.mark.parametrize(
    "change, expected",
    [
        (
            dict(size=48),
            "size=48: the GAN would generate 48x48: use an image_size (and levels) that leave",
        ),
        (dict(size=0), "size=0: use an integer, 1 or more"),
        (dict(size=16.0), "size=16.0: use an integer"),
        (dict(size=8), "size=8: the GAN would generate 8x8"),
        (dict(channels=2), "channels=2: use 1 (grey) or 3"),
        (dict(num_classes=0), "num_classes=0: use 1"),
        (dict(architecture="dcgan"), "architecture=dcgan: use biggan or biggan_deep or r3gan"),
        (dict(generator_width=4), "generator_width=4: use 8"),
        (dict(discriminator_width=4), "discriminator_width=4: use 8"),
        (dict(z_size=-1), "z_size=-1: use 0 or more"),
        (dict(class_embedding=0), "class_embedding=0: use 1"),
        (
            dict(architecture="biggan", z_size=128),
            "z_size=128: a generator of 64x64 splits it into 5 equal parts: use a multiple",
        ),
        (dict(attention_size=64), "attention_size=64: at size 64, use 8, 16, 32, or 0"),
        (dict(attention_size=4), "attention_size=4: at size 64, use 8"),
        (dict(architecture="r3gan", attention_size=8), "attention_size=8: R3GAN has no attention"),
        (
            dict(architecture="r3gan", generator_width=11),
            "generator_width=11: R3GAN of 64x64 needs a multiple of 2",
        ),
        (
            dict(architecture="r3gan", size=256, discriminator_width=12),
            "discriminator_width=12: R3GAN of 256x256 needs a multiple of 8",
        ),
        (dict(size=16, attention_size=16), "attention_size=16: at size 16, use 8, or 0"),
    ],
)
def test_invalid_settings_are_refused_by_name(change, expected):
    with pytest.raises(SettingError) as error:
        BigGANConfig(**change)
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize("size", [16, 32, 64, 128, 256, 512])
def test_every_size_ends_in_images_and_one_final_side(size):
    c = BigGANConfig(size=size, attention_size=8)
    assert 4 * 2 ** (len(c.generator_widths) - 1) == size
    assert size >> c.halvings == (8 if size < 64 else 4)
    assert c.halvings < len(c.discriminator_widths)


def test_every_size_has_valid_defaults():
    sides = {size: BigGANConfig(size=size).attention_size for size in (16, 32, 64, 128, 256, 512)}
    assert sides == {16: 0, 32: 0, 64: 32, 128: 32, 256: 32, 512: 32}
    assert BigGANConfig(attention_size=0).attention_size == 0

import pytest

from cascade_tf.errors import SettingError
from spn_tf.glow.config import GlowConfig


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(height=20), "glow_levels=3: images of 20x32 pixels .* sides divisible by 8"),
        (dict(height=0), "height=0: use an integer, 1 or more"),
        (dict(width=2.5), "width=2.5: use an integer, 1 or more"),
        (dict(channels=2), "channels=2: use 1 "),
        (dict(bits=0), "bits=0: use 1 to 8"),
        (dict(bits=9), "bits=9: use 1 to 8"),
        (dict(num_classes=0), "num_classes=0: use 1 or more"),
        (dict(glow_levels=0), "glow_levels=0: use 1 or more"),
        (dict(glow_depth=0), "glow_depth=0: use 1 or more"),
        (dict(glow_hidden_channels=0), "glow_hidden_channels=0: use 1 or more"),
        (dict(glow_coupling="linear"), "glow_coupling=linear: use affine or additive"),
    ],
)
def test_sizes_that_cannot_work_are_refused_in_one_line(changes, message):
    with pytest.raises(SettingError, match=message) as error:
        GlowConfig(**changes)
    assert "\n" not in str(error.value)

"""Which images to read, and the shape they take."""

import dataclasses
import os

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting


@dataclasses.dataclass(frozen=True)
class DataConfig(Settings):
    """A dataset and its preprocessing.

    Attributes:
        dataset: `digits`, `photos`, `folder`, or the name of a TFDS dataset, such as
            `celeb_a_hq/256`.
        data_dir: the folder of images for `folder`; where TFDS keeps its datasets otherwise
            (None: TFDS's own default).
        image_size: height and width, in pixels, of the images that come out.
        channels: 1 (grey) or 3 (RGB).
        flip: whether a training image is mirrored left to right half of the time.
        smallest_crop: training images are squares whose sides are between this share of the
            largest square's and all of it, drawn evenly, at random places; 1 takes the largest.
        bad_images: `fail`: a file of `folder` that cannot be decoded is an error. `skip`: it is
            named on stderr, another image takes its place in training, and evaluations leave it
            out.
        seed: with an example's index, determines its record, its crop and its flip.
        cache_dir: a directory of caches of resized training images; None: no cache.

    Raises:
        SettingError: a value is out of range.

    >>> DataConfig("digits", image_size=28, channels=1).smallest_crop
    1.0
    """

    dataset: str = setting(
        "",
        "digits, photos, folder, or the name of a TFDS dataset.",
        decides="training",
        whole=True,
        group="data",
    )
    data_dir: str | os.PathLike[str] | None = setting(
        None, "Folder of images, or of TFDS datasets.", whole=True, group="data"
    )
    image_size: int = shared.image_size()
    channels: int = shared.channels()
    flip: bool = setting(
        False,
        "Flip training images left to right at random.",
        decides="training",
        whole=True,
        group="data",
    )
    smallest_crop: float = setting(
        1.0,
        "Train on random crops whose side is at least this share of the largest square's; 1: all.",
        decides="training",
        above=0,
        at_most=1,
        whole=True,
    )
    bad_images: str = setting(
        "fail",
        "Files of a folder that cannot be decoded: fail ends the run, skip names and skips them.",
        choices=("fail", "skip"),
        whole=True,
    )
    seed: int = shared.seed()
    cache_dir: str | os.PathLike[str] | None = setting(
        None, "Cache decoded and resized training images in this directory.", whole=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        shared.check_channels(self)
        for field in ("data_dir", "cache_dir"):
            path = getattr(self, field)
            object.__setattr__(self, field, os.fspath(path) if path else None)

"""Settings of a dataset and its preprocessing."""

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
        data_dir: for `folder`, the folder of images; for TFDS, the folder of its datasets (None:
            TFDS's default).
        test_dir: for `folder`, a folder of held-out images; None: they are found in `data_dir`.
        image_size: height and width of the examples, in pixels.
        channels: 1 (grey) or 3 (RGB).
        flip: whether to flip half of the training images left to right, at random.
        crop: `square`: the largest square of an image, resized to `image_size`. `window`: a square
            of `image_size` pixels of the image at its own resolution.
        smallest_crop: in (0, 1]. Training images are square crops at random positions. Their side
            is uniform between this share of the largest square's side and all of it. A crop of
            fewer pixels than the example is enlarged.
        smallest_scale: in (0, 1]. Half of the training windows are larger than `image_size`, by a
            random factor of up to 1 / `smallest_scale`, and reduced by area. The factor's
            logarithm is uniform. No window is larger than its image.
        bad_images: treatment of files of `folder` that cannot be decoded. With `fail` they are
            errors. With `skip` they are named on stderr, replaced by other images in training,
            and left out of evaluations.
        seed: determines the order of training images, their crops, scales and flips.
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
    crop: str = setting(
        "square",
        "square: the largest square, resized; window: image_size pixels of the image as it is.",
        decides="training",
        choices=("square", "window"),
        whole=True,
        group="data",
    )
    smallest_crop: float = setting(
        1.0,
        "Smallest side of random training crops, as a share of the largest square's.",
        decides="training",
        above=0,
        at_most=1,
        whole=True,
    )
    smallest_scale: float = setting(
        1.0,
        "Reduce half of the training windows, by random scales down to this one.",
        decides="training",
        above=0,
        at_most=1,
        whole=True,
    )
    bad_images: str = setting(
        "fail",
        "Undecodable files of a folder: fail ends the run, skip reports and skips them.",
        choices=("fail", "skip"),
        whole=True,
    )
    seed: int = shared.seed()
    cache_dir: str | os.PathLike[str] | None = setting(
        None, "Cache decoded and resized training images in this directory.", whole=True
    )
    test_dir: str | os.PathLike[str] | None = setting(
        None,
        "Folder of held-out images; by default they are found in data_dir.",
        whole=True,
        group="data",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        shared.check_channels(self)
        if self.crop == "window" and self.smallest_crop < 1:
            self.refuse("for windows of random scale set `smallest_scale`", "smallest_crop", "crop")
        if self.crop == "square" and self.smallest_scale < 1:
            self.refuse("for squares of random size set `smallest_crop`", "smallest_scale", "crop")
        for field in ("data_dir", "cache_dir", "test_dir"):
            path = getattr(self, field)
            object.__setattr__(self, field, os.fspath(path) if path else None)
        if self.test_dir and self.dataset != "folder":
            self.refuse("only a folder has held-out images elsewhere", "test_dir", "dataset")

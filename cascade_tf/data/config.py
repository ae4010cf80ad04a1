"""Which images to read, and the shape they take."""

import dataclasses

from cascade_tf.errors import UsageError

BAD_IMAGES = ("fail", "skip")


@dataclasses.dataclass(frozen=True)
class DataConfig:
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
        bad_images: what becomes of files of `folder` that cannot be decoded. `fail`: they are an
            error. `skip`: they are named on stderr, another image takes their place in training,
            and evaluations leave them out.
        seed: with an example's index, determines its record, its crop and its flip.

    Raises:
        UsageError: a value is out of range.
    """

    dataset: str
    data_dir: str | None
    image_size: int
    channels: int
    flip: bool = False
    smallest_crop: float = 1.0
    bad_images: str = "fail"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise UsageError(f"--channels must be 1 or 3, not {self.channels}")
        if not 0 < self.smallest_crop <= 1:
            raise UsageError(f"--smallest_crop={self.smallest_crop}: use a number up to 1, above 0")
        if self.bad_images not in BAD_IMAGES:
            raise UsageError(f"--bad_images={self.bad_images}: use {' or '.join(BAD_IMAGES)}")
        if self.image_size < 1:
            raise UsageError(f"--image_size must be at least 1, not {self.image_size}")

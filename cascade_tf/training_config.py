"""Settings of the shared training loop: length, intervals and averages."""

import dataclasses
import os

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting


@dataclasses.dataclass(frozen=True)
class TrainingConfig(Settings):
    """Length of a training, and intervals of checkpoints, evaluations and samples.

    Attributes:
        batch_size: images per step, over all replicas.
        max_minutes: time limit over all resumes; 0: none.
        init_from: a workdir of the same model, or the directory or name of a model to take home. A
            stage without a checkpoint of its own starts at step 0 from the live weights of that
            workdir's stage of the same name, or the model's averaged ones, with a new optimizer.
            Empty: from random weights.

    Raises:
        SettingError: a value is out of range.

    >>> TrainingConfig(steps=100).batch_size
    32
    """

    batch_size: int = setting(
        32,
        "Images per step, over all replicas.",
        decides="training",
        at_least=1,
        group="training",
    )
    steps: int = setting(1000, "Training steps.", at_least=1, group="training")
    seed: int = shared.seed()
    polyak_decay: float = setting(
        0.9999, "Largest decay of the averaged weights.", decides="training", at_least=0, below=1
    )
    polyak_share: float = setting(
        1 / 9,
        "Share of the steps so far that the averaged weights cover, until polyak_decay limits it.",
        decides="training",
        above=0,
        at_most=1,
    )
    polyak_start: int = setting(0, "Steps before averaging starts.", decides="training", at_least=0)
    max_minutes: float = setting(
        0.0,
        "Time limit of the training in minutes, over all resumes; 0: none.",
        at_least=0,
        group="training",
    )
    intra_op_threads: int = setting(
        0,
        "CPU threads of `train` that share one operation; 0: as many as cores. See --batch_parts.",
        at_least=0,
        whole=True,
    )
    checkpoint_every: int = setting(1000, "Steps between checkpoints.", at_least=1, group="output")
    keep_checkpoints: int = setting(3, "Number of newest checkpoints to keep.", at_least=1)
    summary_every: int = setting(
        50, "Steps between points of the training curves in TensorBoard.", at_least=1
    )
    evaluate_every: int = setting(
        1000, "Steps between held-out evaluations; 0: none.", at_least=0, group="output"
    )
    evaluate_images: int = setting(256, "Held-out images of each of these evaluations.", at_least=1)
    sample_every: int = setting(
        0, "Steps between sample grids in TensorBoard; 0: none.", at_least=0, group="output"
    )
    sample_images: int = setting(16, "Images in each of these grids.", at_least=1)
    init_from: str | os.PathLike[str] = setting(
        "",
        "Start new stages from the weights of this workdir or model, which has the same networks.",
        decides="training",
        whole=True,
        group="training",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "init_from", os.fspath(self.init_from))

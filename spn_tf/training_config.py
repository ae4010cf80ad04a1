"""Training settings of likelihood models (section 3.3, Table 4)."""

import dataclasses

from cascade_tf import shared_settings as shared
from cascade_tf.learning_config import LearningConfig
from cascade_tf.settings import setting


@dataclasses.dataclass(frozen=True)
class LikelihoodTrainingConfig(LearningConfig):
    """Training settings of a stage of any likelihood model; the defaults are SPN's.

    Raises:
        SettingError: for values that cannot work.

    >>> LikelihoodTrainingConfig(optimizer="adam").adam_beta_2
    0.999
    """

    learning_rate: tuple[float, ...] = shared.learning_rate((5e-5,))
    seed: int = shared.seed()
    batch_parts: int = setting(
        1,
        "Parts of a batch whose gradients are computed side by side. With as many as there are CPU "
        "cores, --intra_op_threads=1 and --jit_compile=false, each core has a part to itself.",
        at_least=1,
    )
    recompute: str = setting(
        "none",
        "Activations that the backward pass recomputes to save memory: attention weights, or those "
        "of all layers.",
        choices=("none", "attention", "all"),
    )
    optimizer: str = setting(
        "rmsprop",
        "rmsprop is the paper's; muon updates kernels by Muon and the rest by Adam.",
        decides="training",
        choices=("rmsprop", "adam", "muon"),
    )
    weight_decay: float = setting(
        0.0,
        "Share of the kernels that a step subtracts, times the learning rate.",
        decides="training",
        at_least=0,
        below=1,
    )
    rmsprop_momentum: float = setting(
        0.9, "Momentum of RMSProp.", decides="training", at_least=0, below=1
    )
    rmsprop_decay: float = setting(
        0.95, "Decay of RMSProp's mean of squares.", decides="training", at_least=0, below=1
    )
    rmsprop_epsilon: float = setting(1e-8, "Epsilon of RMSProp.", decides="training", at_least=0)
    rmsprop_start: float = setting(
        1.0,
        "Start of RMSProp's mean of squares: 1 as in TensorFlow 1, or 0 with Adam's correction, "
        "which learns from the first step on.",
        decides="training",
        at_least=0,
        at_most=1,
    )
    adam_beta_1: float = setting(
        0.9, "Decay of Adam's mean of gradients.", decides="training", at_least=0, below=1
    )
    adam_beta_2: float = setting(
        0.999, "Decay of Adam's mean of squares.", decides="training", at_least=0, below=1
    )
    adam_epsilon: float = setting(1e-8, "Epsilon of Adam.", decides="training", above=0)
    muon_momentum: float = setting(
        0.95, "Momentum of Muon.", decides="training", at_least=0, below=1
    )

    @property
    def fused_attention(self) -> bool:
        """Whether attention is trained as one kernel."""
        return False


@dataclasses.dataclass(frozen=True)
class SPNTrainingConfig(LikelihoodTrainingConfig):
    """Training settings of an SPN's stage; the defaults are the CelebA-HQ column of Table 4.

    Raises:
        SettingError: for values that cannot work.

    >>> SPNTrainingConfig(learning_rate=(1e-3, 1e-4), learning_rate_boundaries=(500,)).clip_norm
    0.0
    """

    fused_attention: bool = setting(
        False,
        "Train attention as one kernel, which keeps its weights on the chip; for TPUs, needs jax. "
        "Only for slices whose number of pixels is a multiple of 128.",
    )
    slice_positions: str = setting(
        "first",
        "Train a slice stage on first slices, or on slices at all positions (section 2.3).",
        decides="training",
        choices=("first", "all"),
    )

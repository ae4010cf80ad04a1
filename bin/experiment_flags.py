"""What can be set in an experiment: the flags, their defaults, and what each of them decides.

`spn_tf/config.py` and the other dataclasses say what each value means to the code.
"""

import dataclasses
import functools
from typing import Any

from absl import flags

import scoped_flags
from cascade_tf.data.config import BAD_IMAGES
from spn_tf.config import SPNConfig
from spn_tf.upscaling import UPSCALINGS
from wavelet_tf.biggan.config import ARCHITECTURES, BigGANConfig
from wavelet_tf.config import NSBConfig
from wavelet_tf.training_config import GANTrainingConfig
from wavelet_tf.transform.filters import MODES

MODEL, TRAINING, FREE = "model", "training", "free"
# By flag: its parser and what it decides. A workdir keeps to the flags of its model always; to
# those of its training while it is trained; free ones may change at every resume.
PARSERS: dict[str, flags.ArgumentParser] = {}
DECIDES: dict[str, str] = {}
WHOLE: set[str] = set()  # flags of the whole experiment, the same in all its stages
SYSTEMS = ("spn", "nsb", "nsb_pixel", "biggan")
HAVE_PRIORS = ("nsb", "nsb_pixel")
PRIORS = ("none", "biggan", "biggan_deep", "spn")
# The systems that a flag means something to, and "prior=...", the priors of not-so-BigGAN.
MEANS: dict[str, tuple[str, ...]] = {}
PRIOR_STAGE = "prior"


def meaningful(system: str, prior: str | None) -> set[str]:
    """The flags that mean something to a system's prior, or, if none is named, to its stages."""
    kinds = {system, f"prior={prior}" if prior else f"{system} decoder"}
    return {name for name, means in MEANS.items() if kinds & set(means)}


def _define(
    name: str,
    default: Any,
    help_text: str,
    decides: str,
    scoped: bool = True,
    parser: flags.ArgumentParser | None = None,
    at_least: int | None = None,
    systems: tuple[str, ...] = SYSTEMS,
) -> None:
    if parser is None:
        parsers: dict[type, flags.ArgumentParser] = {
            bool: flags.BooleanParser(),
            int: flags.IntegerParser(at_least),
            float: flags.FloatParser(at_least),
            str: flags.ArgumentParser(),
        }
        parser = parsers[type(default)]
    PARSERS[name], DECIDES[name], MEANS[name] = parser, decides, systems
    if not scoped:
        WHOLE.add(name)
    scoped_flags.define(name, parser, default, help_text, scoped)


_whole = functools.partial(_define, scoped=False)
_spn = functools.partial(_define, systems=("spn", "prior=spn"))
_gan = functools.partial(_define, systems=("biggan", "prior=biggan", "prior=biggan_deep"))
_decoders = functools.partial(_define, systems=("nsb", "nsb_pixel"))
_packets = functools.partial(_define, systems=("nsb",))
_pixels = functools.partial(_define, systems=("nsb_pixel",))
_whole(
    "system",
    "spn",
    "Model family: Subscale Pixel Network; not-so-BigGAN, wavelet or pixel; BigGAN of images.",
    MODEL,
    parser=flags.EnumParser(list(SYSTEMS)),
)
_define(
    "prior",
    "none",
    "What makes the latents of not-so-BigGAN.",
    MODEL,
    parser=flags.EnumParser(list(PRIORS)),
    scoped=False,
    systems=tuple(f"prior={prior}" for prior in PRIORS),
)
_define(
    "upscaling",
    "none",
    "Stages in which an image grows (SPN paper, Figure 3).",
    MODEL,
    parser=flags.EnumParser(list(UPSCALINGS)),
    scoped=False,
    systems=("spn",),
)
_whole("image_size", 32, "Side of the square images, in pixels.", MODEL)
_whole("channels", 3, "1 (grey) or 3 (colour).", MODEL)
_spn("bits", 8, "Bit depth of the images, or of a prior's latents, 1 to 8.", MODEL, scoped=False)
_define(
    "coarse_bits",
    (3,),
    "Bit depths before depth upscaling, ascending: 3, or 1,3 for two depth stages.",
    MODEL,
    parser=scoped_flags.NumbersParser(int),
    scoped=False,
    systems=("spn",),
)
_spn("scale", 4, "Subscale factor S; 1 is the decoder baseline.", MODEL, scoped=False)
_whole("dataset", "", "digits, photos, folder, or a name in TFDS.", TRAINING)
_whole("flip", False, "Flip training images left to right at random.", TRAINING)
_whole(
    "smallest_crop",
    1.0,
    "Train on random parts of pictures, this share of the side or more; 1: on all of it.",
    TRAINING,
)
_whole(
    "seed",
    0,
    "Of initial weights and all random draws of training.",
    TRAINING,
    parser=flags.IntegerParser(0, 2**31 - 1),
)
_whole("data_dir", "", "Folder of pictures, or of TFDS datasets.", FREE)
_whole("cache_dir", "", "Where training images are kept once they are decoded and resized.", FREE)
_whole(
    "bad_images",
    "fail",
    "What becomes of files of a folder that cannot be decoded: an error, or named and left out.",
    FREE,
    parser=flags.EnumParser(list(BAD_IMAGES)),
)

_SPN_HELP = {
    "pixelcnn_layers": "Gated layers of the decoder.",
    "pixelcnn_filter_size": "Filter size of the PixelCNN.",
    "pixelcnn_conv_channels": "Units before each gate of the PixelCNN.",
    "pixelcnn_residual_channels": "Residual stream of the PixelCNN.",
    "decoder_attention_layers": "Masked self-attention layers of the decoder.",
    "decoder_attention_heads": "Attention heads of the decoder.",
    "decoder_attention_channels": "Attention channels per head of the decoder.",
    "embedder_conv_layers": "Residual blocks of the slice embedder.",
    "embedder_filter_size": "Filter size of the slice embedder.",
    "embedder_conv_channels": "Units inside each residual block.",
    "embedder_residual_channels": "Residual stream of the slice embedder.",
    "embedder_attention_layers": "Self-attention layers of the slice embedder.",
    "embedder_attention_heads": "Attention heads of the slice embedder.",
    "embedder_attention_channels": "Attention channels per head of the slice embedder.",
    "attention_ffn": "Feed-forward layer: parameter_attention or dense.",
    "ffn_size": "Rows of parameter_attention, or hidden units of the dense layer.",
    "dropout": "Rate of dropout on residual branches of attention stacks.",
}
for _field in dataclasses.fields(SPNConfig):
    if _field.name in _SPN_HELP:
        _can_be_zero = _field.name in (
            "decoder_attention_layers",
            "embedder_attention_layers",
            "embedder_conv_layers",
            "dropout",
        )
        _spn(
            _field.name,
            _field.default,
            _SPN_HELP[_field.name],
            MODEL,
            at_least=0 if _can_be_zero else 1,
        )

_NSB = NSBConfig()
_levels = "Stages of not-so-BigGAN's decoders; each doubles the sides."
_decoders("levels", _NSB.levels, _levels, MODEL, scoped=False)
_wavelet = "A discrete wavelet by PyWavelets' name."
_packets("wavelet", _NSB.wavelet, _wavelet, MODEL, scoped=False)
_packets(
    "wavelet_mode",
    _NSB.wavelet_mode,
    "How images go on beyond their borders.",
    MODEL,
    parser=flags.EnumParser(list(MODES)),
    scoped=False,
)
_patch = "Side of the packets that wavelet decoders work on."
_packets("patch_size", _NSB.patch_size, _patch, MODEL, scoped=False)
_own = functools.partial(_define, systems=("nsb decoder", "nsb_pixel decoder"))
_own_packets = functools.partial(_define, systems=("nsb decoder",))
_own_pixels = functools.partial(_define, systems=("nsb_pixel decoder",))
_own_packets("packet_width", _NSB.packet_width, "Units of a wavelet decoder's UNet.", MODEL)
_own_packets("head_width", _NSB.head_width, "Hidden units of each of its heads.", MODEL)
_own_pixels("pixel_width", _NSB.pixel_width, "Units of a pixel decoder's UNet, first scale.", MODEL)
_antialias = "Of the bilinear resize to half the size."
_pixels("antialias", _NSB.antialias, _antialias, MODEL, scoped=False)

_define(
    "latent_range",
    (),
    "Lowest and highest latent that a prior makes, as -3,7; by default those of the data.",
    MODEL,
    parser=scoped_flags.NumbersParser(),
    systems=tuple(f"prior={prior}" for prior in PRIORS[1:]),
)
_BIGGAN = BigGANConfig()
_define(
    "architecture",
    "biggan",
    "Of the GAN.",
    MODEL,
    parser=flags.EnumParser(list(ARCHITECTURES)),
    systems=("biggan",),
)
_gan("num_classes", 1, "Classes of images, 0 to this less 1; 1: none are known.", MODEL, at_least=1)
_GAN_HELP = {
    "generator_width": "Multiplies the generator's units; ch in BigGAN's tables.",
    "discriminator_width": "Multiplies the discriminator's units.",
    "z_size": "Units of the noise.",
    "class_embedding": "Units of the embedding of classes.",
    "attention_size": "Side at which both networks have self-attention; 0: none.",
}
for _name, _help in _GAN_HELP.items():
    _gan(f"gan_{_name}", getattr(_BIGGAN, _name), _help, MODEL, at_least=0)

_define(
    "slice_positions",
    "first",
    "Slices that a slice stage is trained on: first ones, or those at all positions.",
    TRAINING,
    parser=flags.EnumParser(["first", "all"]),
    systems=("spn",),
)
_define("batch_size", 32, "Images of a step, over all replicas.", TRAINING, at_least=1)
_define(
    "learning_rate",
    (5e-5,),
    "One rate, or a piecewise-constant schedule: rate,rate,...",
    TRAINING,
    parser=scoped_flags.NumbersParser(),
)
_define(
    "learning_rate_boundaries",
    (),
    "Steps at which the next rate begins.",
    TRAINING,
    parser=scoped_flags.NumbersParser(int),
)
_spn("rmsprop_momentum", 0.9, "Momentum of RMSProp.", TRAINING)
_spn("rmsprop_decay", 0.95, "Decay of RMSProp's mean of squares.", TRAINING)
_spn("rmsprop_epsilon", 1e-8, "Epsilon of RMSProp.", TRAINING)
_own("adam_beta_1", 0.9, "Decay of Adam's mean of gradients.", TRAINING)
_own("adam_beta_2", 0.999, "Decay of Adam's mean of squares.", TRAINING)
_own("adam_epsilon", 1e-8, "Epsilon of Adam.", TRAINING)
_GAN_TRAINING_HELP = {
    "adam_beta_1": "Decay of Adam's mean of gradients, of a GAN.",
    "adam_beta_2": "Decay of Adam's mean of squares, of a GAN.",
    "adam_epsilon": "Epsilon of Adam, of a GAN.",
    "discriminator_rate": "The discriminator's learning rate over the generator's.",
    "discriminator_steps": "Steps of the discriminator, which share out the batch.",
    "accumulations": "Parts of a batch whose gradients are summed, to save memory.",
    "orthogonal_regularisation": "Weight of the generator's penalty; BigGAN has 1e-4.",
}
for _name, _help in _GAN_TRAINING_HELP.items():
    _gan(f"gan_{_name}", getattr(GANTrainingConfig(), _name), _help, TRAINING)
_define("polyak_decay", 0.9999, "Decay of the averaged weights.", TRAINING)
_define("polyak_start", 0, "Steps before averaging starts.", TRAINING, at_least=0)
_define("clip_norm", 0.0, "Largest norm of the gradient; 0: no clipping.", TRAINING, at_least=0)
_define(
    "precision",
    "float32",
    "Of activations and products.",
    TRAINING,
    parser=flags.EnumParser(["float32", "bfloat16"]),
)
_define("jit_compile", True, "Compile training steps with XLA.", FREE)
_define("steps", 1000, "Training steps.", FREE)
_define("max_minutes", 0.0, "Stop training after so long, resumes included; 0: never.", FREE)
_define("checkpoint_every", 1000, "Steps between checkpoints.", FREE)
_define("keep_checkpoints", 3, "Newest checkpoints that are kept.", FREE, at_least=1)
_define("summary_every", 50, "Steps between points of the training curves.", FREE)
_define("evaluate_every", 1000, "Steps between held-out evaluations; 0: none.", FREE)
_define("evaluate_images", 256, "Held-out images of such an evaluation.", FREE, at_least=1)
_define("sample_every", 0, "Steps between sample grids in TensorBoard; 0: none.", FREE)
_define("sample_images", 16, "Images of such a grid.", FREE, at_least=1)

flags.DEFINE_string("workdir", None, "Directory of the experiment.")

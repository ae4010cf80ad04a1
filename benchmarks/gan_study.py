#!/usr/bin/env python3
"""Trains GANs, not-so-BigGANs and VQ-VAE-2 on emoji for equal minutes; compares their samples.

    python -m benchmarks.data.emoji --output_dir=data/emoji
    taskset -c 0 python benchmarks/gan_study.py --inception=WEIGHTS --output_dir=D [--minutes=30]

Emoji are 64x64 and of nine classes. A model of several stages shares the minutes: two thirds are
for a GAN before decoders, and the rest for its decoders; 22 of 30 for an SPN before decoders with a
perceptual loss; a quarter each for VQ-VAE-2's autoencoder and top codes, half for its bottom codes.
Distances are those of 2,000 samples to the held-out emoji, and in stars to their reconstructions.
Finished models in the directory are kept; an interrupted training resumes.
D/NAME/samples/samples.png has eight samples of each class.
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import app, flags
from commands import ROOT, figures, kept, run

flags.DEFINE_string("output_dir", None, "Directory of workdirs and results.", required=True)
flags.DEFINE_string("inception", None, "Weights of Inception.", required=True)
flags.DEFINE_string("emoji", "data/emoji", "Directory of the emoji.")
flags.DEFINE_float("minutes", 30.0, "Time of each model.")
flags.DEFINE_integer("num_samples", 2000, "Samples to compare.")
flags.DEFINE_multi_string("flag", [], "Further flags for bin/train.")
FLAGS = flags.FLAGS

_SHARED = (
    "--dataset=folder",
    "--image_size=64",
    "--channels=3",
    "--num_classes=9",
    "--steps=1000000",
    "--jit_compile=false",
    "--intra_op_threads=1",
    "--checkpoint_every=1000",
    "--evaluate_every=0",
    "--sample_every=0",
    "--report=false",
)
_BIGGAN = (
    "--gan_generator_width=16",
    "--gan_discriminator_width=16",
    "--gan_class_embedding=16",
    "--gan_discriminator_rate=2",
    "--gan_adam_epsilon=1e-6",
)
_R3GAN = (
    "--gan_generator_width=8",
    "--gan_discriminator_width=8",
    "--gan_class_embedding=32",
    "--gan_discriminator_rate=1",
    "--gan_adam_beta_2=0.95",
    "--gan_loss=relativistic",
    "--gan_r1=1",
    "--gan_r2=1",
    "--gan_penalty_every=4",
)
_DIFFAUGMENT = ("--gan_augmentation=colour,translation,cutout",)
_WHOLE = ("--system=biggan", "--batch_size=32", "--learning_rate=2e-4", "--polyak_decay=0.998")
_GAN_OF_LATENTS = (
    "--system=nsb",
    "--levels=2",
    "--patch_size=8",
    "--packet_width=96",
    "--head_width=24",
    "--batch_size=16",
    "--learning_rate=1e-3,3e-4,1e-4",
    "--learning_rate_boundaries=to32:0.56,0.84",
    "--learning_rate_boundaries=to64:0.56,0.84",
    "--polyak_decay=to32:0.999",
    "--polyak_decay=to64:0.999",
    "--batch_size=prior:64",
    "--learning_rate=prior:2e-4",
    "--polyak_decay=prior:0.999",
    "--polyak_start=prior:500",
)
_SPN = (
    "--scale=2",
    "--pixelcnn_layers=8",
    "--pixelcnn_conv_channels=48",
    "--pixelcnn_residual_channels=96",
    "--decoder_attention_layers=1",
    "--decoder_attention_heads=2",
    "--decoder_attention_channels=32",
    "--embedder_conv_layers=3",
    "--embedder_conv_channels=48",
    "--embedder_residual_channels=96",
    "--embedder_attention_layers=1",
    "--embedder_attention_heads=2",
    "--embedder_attention_channels=32",
    "--attention_ffn=dense",
    "--ffn_size=192",
    "--optimizer=muon",
    "--convolution_dropout=0.1",
)
_VQVAE2 = (
    "--system=vqvae2",
    "--vq_stride=4",
    "--vq_codes=128",
    "--vq_code_size=32",
    "--vq_width=64",
    "--vq_residual_blocks=2",
    "--vq_residual_width=32",
    "--code_prior=spn",
    *_SPN,
    "--batch_size=32",
    "--learning_rate=1e-2",
    "--learning_rate=autoencoder:1e-3",
    "--learning_rate_decay=linear",
    "--warmup=100",
    "--polyak_share=0.03",
)
# Flags of each model, and its stages' shares of the time.
_GAN = {"gan": 1.0}
_CASCADE = {"prior": 2 / 3, "to32": 1 / 6, "to64": 1 / 6}
MODELS = {
    "biggan": ((*_WHOLE, "--architecture=biggan", *_BIGGAN), _GAN),
    "biggan_diffaugment": ((*_WHOLE, "--architecture=biggan", *_BIGGAN, *_DIFFAUGMENT), _GAN),
    "r3gan": ((*_WHOLE, "--architecture=r3gan", *_R3GAN, *_DIFFAUGMENT), _GAN),
    "nsb_biggan": ((*_GAN_OF_LATENTS, "--prior=biggan", *_BIGGAN), _CASCADE),
    "nsb_diffaugment": ((*_GAN_OF_LATENTS, "--prior=biggan", *_BIGGAN, *_DIFFAUGMENT), _CASCADE),
    "nsb_r3gan": ((*_GAN_OF_LATENTS, "--prior=r3gan", *_R3GAN, *_DIFFAUGMENT), _CASCADE),
    "nsb_spn": (
        (f"--flagfile={ROOT / 'configs' / 'nsb_emoji.flags'}",),
        {"prior": 11 / 15, "to32": 1 / 10, "to64": 1 / 6},
    ),
    "vqvae2_spn": (_VQVAE2, {"top": 0.25, "bottom": 0.5, "autoencoder": 0.25}),
}
flags.DEFINE_multi_enum("model", None, list(MODELS), "Models to train; all by default.")


def main(_: list[str]) -> None:
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    rows = {name: _measured(name, output) for name in FLAGS.model or MODELS}
    distances = ("fid", "kid", "mind", "fid*", "kid*", "mind*")
    print(f"\n{FLAGS.minutes:g} minutes each, {FLAGS.num_samples:,} samples")
    print(f"| model | steps | {' | '.join(distances)} |\n|{'---|' * (2 + len(distances))}")
    for name, row in rows.items():
        cells = [f"{row[key]:.4g}" if key in row else "" for key in distances]
        steps = ", ".join(f"{count:,}" for count in row["steps"].values())
        print(f"| {name} | {steps} | {' | '.join(cells)} |")


def _measured(name: str, output: pathlib.Path) -> dict:
    """Trains a model, samples eight of each class, and compares its samples."""
    own, shares = MODELS[name]
    minutes = [
        f"--max_minutes={stage}:{share * FLAGS.minutes:g}" for stage, share in shares.items()
    ]
    trained = [*own, *_SHARED, f"--data_dir={FLAGS.emoji}", *minutes, *FLAGS.flag]
    if name == "nsb_spn":  # its decoders have a perceptual loss
        trained.append(f"--inception={FLAGS.inception}")
    workdir = output / name

    def measure() -> dict:
        run("train", *trained, f"--workdir={workdir}")
        classes = "--classes=0,1,2,3,4,5,6,7,8"
        output_dir = f"--output_dir={workdir / 'samples'}"
        run(
            *("sample", f"--workdir={workdir}", "--num_samples=72", classes, output_dir),
            "--overwrite",
        )
        results = figures(
            workdir,
            f"--num_samples={FLAGS.num_samples}",
            f"--inception={FLAGS.inception}",
            "--overwrite",
        )
        of = results if "by_truncation" in results else results["samples"]
        [of_samples] = of["by_truncation"].values()
        return {"steps": of["steps"], **of_samples}

    settings = {"flags": trained, "num_samples": FLAGS.num_samples}
    return kept(output / f"{name}.json", settings, measure)


if __name__ == "__main__":
    app.run(main)

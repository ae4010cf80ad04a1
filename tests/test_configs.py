"""The flagfiles of configs/ against the papers' tables; CelebA-HQ's trains on its real dataset."""

import dataclasses
import io
import json
import pathlib
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image

from benchmarks import parameters
from cascade_cli import flagfiles
from cascade_cli.command_line import flags_of, open_experiment
from cascade_cli.compared_models import compared_models
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIGS = sorted((ROOT / "configs").glob("*.flags"))
TABLES = sorted((ROOT / "configs" / "tables").glob("*.flags"))
# SPN paper, Table 4: ImageNet (32, 64, 128, 256), CelebA HQ.
COLUMNS = ("imagenet32", "imagenet64", "imagenet128", "imagenet256", "celeba")
SCHEDULE = "1e-4,3e-5,1e-5"
TABLE_4 = {
    "batch_size": (1024, 2048, 2048, 2048, 256),
    "learning_rate": (SCHEDULE, SCHEDULE, "1e-5", "1e-5", "5e-5"),
    "rmsprop_momentum": (0.9,) * 5,
    "rmsprop_decay": (0.95,) * 5,
    "rmsprop_epsilon": ("1e-8",) * 5,
    "polyak_decay": (0.9999,) * 5,
    "pixelcnn_layers": (15,) * 5,
    "pixelcnn_conv_channels": (256, 256, 384, 384, 128),
    "pixelcnn_residual_channels": (1280,) * 5,
    "pixelcnn_filter_size": (3,) * 5,
    "decoder_attention_layers": (8, 8, 8, 8, 5),
    "decoder_attention_heads": (10, 10, 10, 10, 5),
    "decoder_attention_channels": (128,) * 5,
    "attention_ffn": ("parameter_attention",) * 5,
    "embedder_conv_layers": (5,) * 5,
    "embedder_filter_size": (3,) * 5,
    "embedder_conv_channels": (256,) * 5,
    "embedder_residual_channels": (1024,) * 5,
    "embedder_attention_layers": (6, 6, 8, 8, 6),
    "embedder_attention_heads": (4, 4, 8, 8, 4),
    "embedder_attention_channels": (64, 64, 128, 128, 64),
}


# The number in Tables 1 to 3, or the figure, and the settings that define each row's model.
ROWS = {
    "imagenet32_decoder": ("3.79", {"upscaling": "none", "scale": "1", "bits": "8"}),
    "imagenet32": ("3.85", {"upscaling": "none", "scale": "2", "bits": "8"}),
    "imagenet32_8x8_slices": ("3.91", {"upscaling": "none", "scale": "4", "bits": "8"}),
    "imagenet64_decoder": ("3.52", {"upscaling": "none", "scale": "1", "bits": "8"}),
    "imagenet64": ("3.53", {"upscaling": "none", "scale": "2", "bits": "8"}),
    "imagenet64_depth": ("3.53 (0.63, 2.90)", {"upscaling": "depth", "scale": "2"}),
    "imagenet64_5bit": ("1.41", {"upscaling": "none", "scale": "2", "bits": "5"}),
    "imagenet128": ("3.08", {"upscaling": "none", "scale": "4", "bits": "8"}),
    "imagenet128_depth": ("3.08 (0.46, 2.62)", {"upscaling": "depth", "scale": "4"}),
    "imagenet128_multidimensional": ("Figure 3 g", {"upscaling": "multidimensional"}),
    "imagenet256": ("2.97", {"upscaling": "none", "scale": "8", "bits": "8"}),
    "imagenet256_depth": ("3.01 (0.40, 2.61)", {"upscaling": "depth", "scale": "8"}),
    "celeba": ("Figures 1 and 6", {"upscaling": "depth", "scale": "8", "bits": "8"}),
    "celeba_5bit": ("0.61", {"upscaling": "none", "scale": "8", "bits": "5"}),
    "celeba_3bit": ("Figures 8 and 9", {"upscaling": "none", "scale": "8", "bits": "3"}),
}


# not-so-BigGAN paper: the columns of Table 2, Tables 3 and 4 (level 1, level 2), and the baseline
# of section 5. "" stands for all stages.
NSB = {
    "nsb_imagenet256": {
        "system": "nsb",
        "prior": "biggan_deep",
        "gan_z_size": "128",
        "gan_attention_size": "32",
        "patch_size": "32",
        "batch_size": {"prior": "512", "to128": "128", "to256": "64"},
        "steps": {"prior": "250000", "to128": "288000", "to256": "232000"},
    },
    "nsb_pixel_imagenet256": {
        "system": "nsb_pixel",
        "prior": "biggan",
        "gan_z_size": "120",
        "gan_attention_size": "32",
        "batch_size": {"": "64", "prior": "512"},
        "steps": {"prior": "250000", "to128": "615000", "to256": "178000"},
    },
    "biggan_imagenet256": {
        "system": "biggan",
        "batch_size": "2048",
        "gan_accumulations": "32",
    },
    "vqvae2_imagenet256": {  # sizes of its own paper
        "system": "vqvae2",
        "image_size": "256",
        "num_classes": "1000",
        "commitment": "0.25",
        "vq_codes": "512",
        "vq_code_size": "64",
        "vq_width": "128",
        "vq_residual_width": "64",
        "vq_residual_blocks": "2",
        "batch_size": {"autoencoder": "128", "top": "1024", "bottom": "512"},
    },
}
DECODERS = {
    "adam_beta_1": "0.9",
    "adam_beta_2": "0.999",
    "adam_epsilon": "1e-8",
    "levels": "2",
}
GANS = {
    "learning_rate": "1e-4",
    "gan_discriminator_rate": "4",  # 4e-4
    "gan_adam_beta_1": "0",
    "gan_adam_beta_2": "0.999",
    "gan_adam_epsilon": "1e-8",
    "image_size": "256",
    "num_classes": "1000",
}


def _flagfile(name: str) -> dict[str, str]:
    lines = flagfiles.expand([f"--flagfile={ROOT / 'configs' / name}.flags"])
    return dict(line.removeprefix("--").split("=", 1) for line in lines)


@pytest.mark.parametrize("name", NSB)
def test_a_config_of_not_so_biggan_equals_its_tables(name):
    lines = flagfiles.expand([f"--flagfile={ROOT / 'configs' / name}.flags"])
    pairs = [line.removeprefix("--").split("=", 1) for line in lines]
    others: dict[str, dict] = {"biggan_imagenet256": GANS, "vqvae2_imagenet256": {}}
    for flag, expected in (NSB[name] | others.get(name, GANS | DECODERS)).items():
        parts = [value.rpartition(":") for other, value in pairs if other == flag]
        values = {scope: value for scope, _, value in parts}
        assert values == (expected if isinstance(expected, dict) else {"": expected}), flag


def test_every_row_of_the_papers_tables_has_a_config():
    small = {
        "digits",
        "emoji",
        "photographs",
        "photographs64",
        "photos",
        "nsb_photos",
        "nsb_pixel_photos",
        "nsb_digits",
        "nsb_digits_spn",
        "nsb_emoji",
        "nsb_photos_biggan",
        "vqvae2_digits",
    }
    assert {path.stem for path in CONFIGS} == set(ROWS) | set(NSB) | small


@pytest.mark.parametrize("name", ROWS)
def test_a_config_has_the_settings_of_its_row_and_names_the_row(name):
    number, expected = ROWS[name]
    flags = _flagfile(name)
    assert {flag: flags[flag] for flag in expected} == expected
    assert flags.get("coarse_bits", "3") == "3"
    assert flags.keys().isdisjoint(["intensity_distribution", "optimizer", "learning_rate_decay"])
    assert flags["workdir"] == f"runs/{name}"
    about = (ROOT / "configs" / f"{name}.flags").read_text().partition("\n--")[0]
    assert number in about.replace("\n# ", " ")


@pytest.mark.parametrize("name", ROWS)
def test_a_config_equals_its_column_of_table_4(name):
    column = COLUMNS.index(name.split("_")[0])
    flags = _flagfile(name)
    for name, row in TABLE_4.items():
        assert flags[name] == str(row[column]), name
    scheduled = flags["learning_rate"] == SCHEDULE
    assert flags.get("learning_rate_boundaries") == ("50000,100000" if scheduled else None)
    assert "clip_norm" not in flags and "dropout" not in flags  # off in the paper's configs


@pytest.mark.parametrize("path", CONFIGS + TABLES, ids=lambda path: path.stem)
def test_a_config_starts_with_the_command_that_runs_it(path):
    name = path.relative_to(ROOT)
    assert path.read_text().startswith(f"# bin/train --flagfile={name}\n")


# The number in Tables 1 to 3, the model family and the number of parameters of each baseline.
BASELINES = {
    "imagenet32_gated_pixelcnn": ("3.83", "gated_pixelcnn", 116_421_256),
    "imagenet64_gated_pixelcnn": ("3.57", "gated_pixelcnn", 116_421_256),
    "imagenet32_pixelsnail": ("3.80", "pixelsnail", 46_546_494),
    "imagenet32_image_transformer": ("3.77", "image_transformer", 38_015_240),
    "imagenet32_parallel_multiscale": ("3.95", "parallel_multiscale", 68_564_376),
    "imagenet64_parallel_multiscale": ("3.70", "parallel_multiscale", 90_308_808),
    "imagenet128_parallel_multiscale": ("3.55", "parallel_multiscale", 112_086_008),
    "imagenet32_glow": ("4.09", "glow", 66_079_248),
    "imagenet64_glow": ("3.81", "glow", 111_480_144),
    "imagenet64_5bit_glow": ("1.76", "glow", 111_480_144),
    "celeba_5bit_glow": ("1.03", "glow", 174_904_080),
}


def test_baselines_have_the_figures_of_their_rows():
    assert {path.stem for path in TABLES} == set(BASELINES)
    for path in TABLES:
        number, system, count = BASELINES[path.stem]
        flags = _flagfile(f"tables/{path.stem}")
        assert (flags["system"], flags["workdir"]) == (system, f"runs/{path.stem}")
        about = path.read_text().partition("\n--")[0].replace("\n# ", " ")
        assert f"{number} bits/dim (Table" in about and f"{count:,} parameters" in about
        assert sum(parameters.parameters(f"tables/{path.stem}", []).values()) == count


def test_the_models_of_a_comparison_have_the_same_data_and_learning():
    """Glow, whose authors use Adam, has another optimizer and rate."""
    for path in (ROOT / "configs" / "compare").glob("*.flags"):
        assert path.read_text().startswith(f"# bin/compare --flagfile={path.relative_to(ROOT)}\n")
        options, settings = flags_of("compare").parse(flagfiles.expand([f"--flagfile={path}"]))
        models = compared_models(options, settings)
        assert len(models) > 1
        shared = []
        for name, flags in models.items():
            _, experiment = open_experiment(flags, flags_of("train"))
            data = [experiment.data(name) for name in experiment.stage_names]
            learning = experiment.settings(SPNTrainingConfig, experiment.stage_names[0])
            shared.append((data[:1], None if name == "glow" else learning))
            assert all(other == data[0] for other in data)
        assert all(data == shared[0][0] for data, _ in shared)
        assert all(learning in (None, shared[0][1]) for _, learning in shared)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_flagfile_makes_all_its_stages(path):
    _, experiment = open_experiment([f"--flagfile={path}", "--workdir=none"], flags_of("train"))
    for name in experiment.stage_names:
        assert experiment.make_stage(name).name == name
        assert experiment.training(name).steps > 0


def test_every_flagfile_gives_the_settings_of_an_earlier_commit():
    """configs.json has the settings by class and field at commit 30152d1.

    Other flagfiles are newer.
    """
    golden = json.loads((ROOT / "tests" / "goldens" / "configs.json").read_text())
    newer = {"digits", "emoji", "photographs", "photographs64"}
    newer |= {"nsb_emoji", "vqvae2_digits", "vqvae2_imagenet256"}
    assert {path.stem for path in CONFIGS} - golden.keys() == newer
    for path in [ROOT / "configs" / f"{name}.flags" for name in golden]:
        arguments = [f"--flagfile={path}", "--workdir=none"]
        _, experiment = open_experiment(arguments, flags_of("train"))
        assert experiment.stage_names == list(golden[path.stem])
        for name in experiment.stage_names:
            stage = experiment.make_stage(name)
            settings = [experiment.data(name), experiment.training(name)]
            now = _fields_by_class(stage) | {type(s).__name__: s for s in settings}
            for kind, fields in golden[path.stem][name].items():
                _require_same(now, kind, fields)


def _has_shares(settings: object, field: str) -> bool:
    """Whether a field is the boundaries of rates, which the small configs had in steps then."""
    value = getattr(settings, field, None)
    return field == "learning_rate_boundaries" and bool(value) and value[-1] < 1


def _fields_by_class(stage) -> dict[str, object]:
    model = getattr(stage, "model", stage)  # of a quantized prior
    settings = [*stage.description.settings, model.config, model.training]
    return {type(s).__name__: s for s in settings}


def _require_same(now: dict[str, object], kind: str, fields: dict[str, object]) -> None:
    """Compares a class of today with its earlier fields, some of which had other names."""
    renamed = {"learning_rates": "learning_rate", "classes": "num_classes"}
    if kind == "NSBConfig":
        kind = "WaveletConfig" if "WaveletConfig" in now else "PixelConfig"
        names = {field.name for field in dataclasses.fields(now[kind])}
        fields = {name: value for name, value in fields.items() if name in names}
    for name, value in fields.items():
        if _has_shares(now[kind], name) or (name == "jit_compile" and value):
            continue  # XLA was the default then, and is measured now
        value = tuple(value) if isinstance(value, list) else value
        assert getattr(now[kind], renamed.get(name, name)) == value, (kind, name)


def test_parameters_agree_with_table_4_and_appendix_c():
    """Within 20% of "~150M", "~250M" and "~650M", counted without allocating weights."""
    counts = {name: parameters.parameters(name, []) for name in parameters.PAPER}
    for name, expected in {
        "imagenet32": 150e6, "imagenet64": 150e6, "imagenet128": 250e6, "imagenet256": 250e6,
        "imagenet128_multidimensional": 650e6,
    }.items():  # fmt: skip
        assert sum(counts[name].values()) == pytest.approx(expected, rel=0.2), name
    assert counts["imagenet128_multidimensional"]["slice"] == pytest.approx(150e6, rel=0.2)
    assert counts["celeba_3bit"]["spn"] == pytest.approx(50e6, rel=0.25)  # docs/reproduction.md
    page = (ROOT / "docs" / "reproduction.md").read_text()
    for stages in counts.values():
        for count in stages.values():
            assert f"{count:,}" in page


def test_parameters_counted_without_weights_equal_those_of_the_weights():
    counted = parameters.parameters("digits", [])["spn"]
    stage = SPNStage("spn", SPNConfig.small(channels=1, scale=2), SPNTrainingConfig())
    stage.build()
    assert stage.parameters() == counted


def test_the_small_config_of_the_library_has_the_widths_of_the_digits():
    arguments = [f"--flagfile={ROOT / 'configs' / 'digits.flags'}", "--workdir=none"]
    _, experiment = open_experiment(arguments, flags_of("train"))
    small = SPNConfig.small(channels=1, scale=2, convolution_dropout=0.2)
    assert experiment.make_stage("spn").config == small


def test_celeba_trains_at_full_width_on_the_real_builders_dataset(tmp_path):
    """Trains the depth stage for a step on an archive of CelebA-HQ's layout."""
    manual = tmp_path / "data" / "downloads" / "manual"
    manual.mkdir(parents=True)
    rng = np.random.default_rng(0)
    with tarfile.open(manual / "data256x256.tar", "w") as archive:
        for number in range(1, 11):
            pixels = rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(32, 0).repeat(32, 1)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG")
            entry = tarfile.TarInfo(f"data256x256/{number:05d}.jpg")
            entry.size = file.tell()
            file.seek(0)
            archive.addfile(entry, file)
    done = subprocess.run(
        [
            sys.executable,
            "bin/train",
            "--flagfile=configs/celeba.flags",
            f"--workdir={tmp_path / 'work'}",
            f"--data_dir={tmp_path / 'data'}",
            "--batch_size=1",
            "--steps=1",
            "--stage=depth",  # the first stage would double the time and test no more
            "--jit_compile=false",  # compiling takes longer than a step
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "stage depth: 62,786,616 parameters" in done.stderr
    assert (tmp_path / "work" / "depth" / "checkpoints" / "ckpt-1.index").exists()

"""Mistakes give one line on stderr and an exit code, and change no file."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from PIL import Image

from tests.cascade_cli.commands import BIN, TINY_MODEL, files, run_forked, start


@pytest.fixture
def refused(tmp_path, pictures, colour):
    """Returns a function that runs a command in `tmp_path`; it returns exit code and stderr line.

    WORKDIR in an argument stands for the trained workdir, PICTURES for the folder of images.
    """

    def run_refused(command: str, *arguments: str) -> tuple[int, str]:
        paths = {"WORKDIR": colour, "PICTURES": pictures}
        for name, path in paths.items():
            arguments = tuple(argument.replace(name, str(path)) for argument in arguments)
        before = files(tmp_path, pictures, colour)
        code, stdout, stderr = run_forked(tmp_path, command, *arguments)
        assert stdout == "" and len(stderr.splitlines()) == 1, stdout + stderr
        assert stderr.startswith(f"{command}: ")
        assert files(tmp_path, pictures, colour) == before
        return code, stderr

    return run_refused


_DATA = ("--dataset=folder", "--data_dir=PICTURES", "--channels=3")
_TRAIN = (*TINY_MODEL, *_DATA, "--workdir=new")


def test_a_mistake_gives_one_line_in_a_fresh_process():
    process = start("train", "--bitz=3")
    assert process.communicate(timeout=300) == (
        "",
        "train: Unknown command line flag 'bitz'. Did you mean: bits ?\n",
    )
    assert process.returncode == 2


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (["--bits=abc"], "--bits=abc"),
        (["--tpu=here"], "--tpu=here means nothing without --strategy=tpu"),
        (["--bad_images=keep"], "--bad_images=keep"),
        (["--bits=spn:3"], "--bits=spn:3"),
        (["--bits=0"], "--bits=0: use 1 to 8"),
        (["--bits=9"], "--bits=9: use 1 to 8"),
        (["--channels=2"], "--channels"),
        (["--system=gan"], "--system=gan"),
        (["--upscaling=up"], "--upscaling=up"),
        (["--upscaling=depth", "--bits=3"], "--coarse_bits=3 --bits=3: bits must increase"),
        (["--upscaling=depth", "--coarse_bits=4,2"], "--coarse_bits=4,2 --bits=8"),
        (["--upscaling=depth", "--coarse_bits="], "--coarse_bits= --bits=8"),
        (["--coarse_bits=x"], "--coarse_bits=x"),
        (["--upscaling=size", "--scale=1"], "--scale=1 --upscaling=size: use a scale of 2"),
        (["--slice_positions=some"], "--slice_positions=some"),
        (["--upscaling=depth", "--stage=size"], "--stage=size: the stages are spn, depth"),
        (["--upscaling=depth", "--learning_rate=depth:-1"], "--learning_rate=-1"),
        (["--image_size=0"], "--image_size"),
        (["--image_size=32x48"], "use an integer, the side: images are cropped to squares"),
        (["--scale=3"], "--scale=3: images of 8x8 pixels"),
        (["--scale=0"], "--scale=0"),
        (["--pixelcnn_layers=0"], "--pixelcnn_layers=0"),
        (["--decoder_attention_heads=-2"], "--decoder_attention_heads=-2"),
        (["--attention_ffn=relu"], "--attention_ffn=relu"),
        (["--learning_rate=a,b"], "--learning_rate=a,b"),
        (["--learning_rate=1e-3,1e-4"], "2 and 0 values: use one rate more"),
        (["--learning_rate="], "0 and 0 values: use one rate more"),
        (["--learning_rate=-1"], "--learning_rate=-1"),
        (
            ["--learning_rate=3,2,1", "--learning_rate_boundaries=9,5"],
            "--learning_rate_boundaries=9,5",
        ),
        (["--learning_rate_boundaries=9.5"], "--learning_rate_boundaries=9.5"),
        (["--warmup=1.5"], "--warmup=1.5: use steps, or a share of the training below 1"),
        (["--optimizer=sgd"], "--optimizer=sgd"),
        (["--batch_size=0"], "--batch_size=0"),
        (["--steps=0"], "--steps=0"),
        (["--steps=-5"], "--steps=-5"),
        (["--seed=-1"], "--seed=-1"),
        (["--seed=4294967296"], "--seed=4294967296"),
        (["--polyak_decay=1"], "--polyak_decay=1"),
        (["--checkpoint_every=0"], "--checkpoint_every=0"),
        (["--evaluate_images=0"], "--evaluate_images=0"),
        (["--flip=perhaps"], "--flip=perhaps"),
        (["--stage=depth"], "--stage=depth: the stages are spn"),
        (["--steps=depth:3"], "there is no stage depth"),
        (["--strategy=cluster"], "--strategy=cluster"),
        (["--flagfile=missing.flags"], "missing.flags"),
        (["--flagfile=PICTURES/00.png"], "00.png: not text in UTF-8"),
        (["foo"], "unexpected argument 'foo'"),
        (["--dataset="], "--dataset=: use digits, photos, folder"),
        (["--workdir="], "--workdir is missing"),
        (["--workdir=\udcff"], "use a name in UTF-8"),  # how Python shows the byte 0xff
        (["--data_dir=a\nb"], "use a name without line breaks"),
        (["--workdir=run [1]"], "/run [1]: use a path without * ? [ "),
        (["--workdir=runs*/a"], "/runs*/a: use a path without * ? [ "),
        (["--learning_rate=1e-50"], "--learning_rate=1e-50: too large or small for float32"),
        (["--data_dir="], "--dataset=folder: name the folder of images by --data_dir"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_train_refuses_invalid_flags(refused, mistake, message):
    code, line = refused("train", *_TRAIN, *mistake)
    assert code == 2 and message in line


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (["--data_dir=missing"], "there is no folder missing"),
        (["--data_dir=empty"], "no images"),
        (["--dataset=no_such_set"], "no_such_set"),
        (["--workdir=WORKDIR/spn"], "/spn is the directory of one stage: use /"),
        (["--workdir=file/below"], "cannot write to the directory file/below"),
        (["--workdir=WORKDIR", "--scale=4"], "was trained with --scale=2, not 4"),
        (["--workdir=WORKDIR", "--learning_rate=.5"], "--learning_rate=0.001, not 0.5"),
        (["--workdir=WORKDIR", "--init_from=WORKDIR"], "was trained with --init_from=, not /"),
        (["--init_from=missing"], "there is no workdir missing"),
        (
            ["--init_from=WORKDIR", "--scale=4", "--ffn_size=9"],
            "/spn has --scale=2, not 4; --ffn_size=8, not 9: leave these settings out",
        ),
        (["--init_from=WORKDIR", "--bits=3", "--upscaling=size"], "has --upscaling=none, not size"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_train_refuses_missing_files_and_other_settings_than_the_workdirs(
    refused, tmp_path, mistake, message
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    bits = ["--bits=3"] if "--workdir=WORKDIR" in mistake else []
    code, line = refused("train", *_TRAIN, *bits, *mistake)
    assert code == 1 and message in line


_OTHERS = {
    "evaluate": ["--num_images=1"],
    "sample": ["--num_samples=1", "--output_dir=out"],
    "export": ["--output_dir=out"],
    "compress": ["--from_images=PICTURES", "--output=out.spn"],
    "decompress": ["--input=archive.spn", "--output_dir=out"],
}


@pytest.mark.parametrize("command", _OTHERS)
def test_commands_refuse_workdirs_without_a_model(refused, tmp_path, colour, command):
    arguments = _OTHERS[command]
    code, line = refused(command, "--workdir=missing", *arguments)
    assert code == 1 and "there is no workdir missing" in line
    code, line = refused(command, *arguments)
    assert code == 2 and "--workdir is missing" in line

    (tmp_path / "untrained").mkdir()
    code, line = refused(command, "--workdir=untrained", *arguments)
    assert code == 1 and "untrained holds no trained stage spn" in line
    # Training stopped before the first checkpoint leaves only its flags.
    (tmp_path / "untrained" / "spn").mkdir()
    shutil.copy(colour / "spn" / "flags.txt", tmp_path / "untrained" / "spn")
    code, line = refused(command, "--workdir=untrained", *arguments)
    assert code == 1 and "untrained holds no trained stage spn" in line


@pytest.mark.parametrize("command", _OTHERS)
def test_commands_refuse_flags_of_another_model_and_positional_arguments(refused, command):
    code, line = refused(command, "--workdir=WORKDIR", *_OTHERS[command], "--scale=4")
    assert code == 1 and "was trained with --scale=2, not 4" in line
    code, line = refused(command, "--workdir=WORKDIR", *_OTHERS[command], "foo")
    assert code == 2 and "unexpected argument 'foo'" in line


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "--num_images=0"], 2, "--num_images=0"),
        (["evaluate", "--batch_size=0"], 2, "--batch_size=0"),
        (["evaluate", "--split=half"], 2, "--split=half"),
        (["evaluate", "--data_dir=missing"], 1, "there is no folder missing"),
        (["evaluate", "--data_dir=broken", "--split=all", "--overwrite"], 1, "cannot decode image"),
        (["sample"], 2, "--output_dir is missing"),
        (["sample", "--output_dir="], 2, "--output_dir is missing"),
        (["sample", "--output_dir=out", "--num_samples=0"], 2, "--num_samples=0"),
        (["sample", "--output_dir=out", "--temperature=-1"], 2, "--temperature=-1"),
        (["sample", "--output_dir=out", "--seed=2147483648"], 2, "--seed=2147483648"),
        (["sample", "--output_dir=out", "--temperature=nan"], 2, "--temperature=nan"),
        (["sample", "--output_dir=out", "--truncation=inf"], 2, "--truncation=inf"),
        (["sample", "--output_dir=out", "--truncation=1e30"], 2, "use 0 to 100"),
        (["sample", "--output_dir=out", "--temperature=1,1"], 2, "--temperature=1.0,1.0: give one"),
        (["sample", "--output_dir=out", "--from_images=missing"], 1, "no folder missing"),
        (["sample", "--output_dir=out", "--from_images=PICTURES"], 1, "8x8 pixels: use images"),
        (["sample", "--output_dir=out", "--from_images=full"], 1, "--from_images: no images"),
        (["sample", "--output_dir=out", "--from_images=broken"], 1, "cannot decode image broken/0"),
        (
            ["sample", "--output_dir=out", "--from_images=small", "--given_bits=2"],
            2,
            "--given_bits=2: of images of 4x4 pixels, the stages keep 3 bits",
        ),
        (["sample", "--output_dir=out", "--draws=0"], 2, "--draws=0"),
        (["sample", "--output_dir=out", "--draws=2"], 2, "--draws means nothing without"),
        (
            ["sample", "--output_dir=out", "--num_samples=2", "--from_images=small"],
            2,
            "--num_samples means nothing with --from_images",
        ),
        (["sample", "--output_dir=file/out"], 1, "cannot write to the directory file/out"),
        (["sample", "--output_dir=full"], 1, "full/samples.npz exists already: add --overwrite"),
        (["sample", "--output_dir=out", "--classes=0"], 2, "this one is unconditional"),
        (["export"], 2, "--output_dir is missing"),
        (["export", "--output_dir=out [1]"], 2, "/out [1]: use a path without * ? [ "),
        (["export", "--output_dir=file/below/out"], 1, "file/below: Not a directory"),
        (["export", "--output_dir=file"], 1, "file exists already"),
        (["export", "--output_dir=full"], 1, "full exists already"),
        (["export", "--output_dir=full", "--overwrite"], 1, "full exists and is no SavedModel"),
        (["export", "--output_dir=file", "--overwrite"], 1, "file exists and is no SavedModel"),
        (["compress", "--output=out.spn"], 2, "--from_images is missing"),
        (["compress", "--from_images=PICTURES"], 2, "--output is missing"),
        (["compress", "--from_images=missing", "--output=out.spn"], 1, "no folder missing"),
        (["compress", "--from_images=small", "--output=file"], 1, "file exists already"),
        (
            ["compress", "--from_images=small", "--output=file", "--each"],
            2,
            "it is a file",
        ),
        (["compress", "--from_images=small", "--output=full", "--overwrite"], 2, "is a folder"),
        (["decompress", "--output_dir=out"], 2, "--input is missing"),
        (["decompress", "--input=missing.spn", "--output_dir=out"], 1, "no archive missing.spn"),
        (["decompress", "--input=small", "--output_dir=out"], 1, "small has no archives, *.spn"),
        (["decompress", "--input=small/00.png", "--output_dir=out"], 1, "00.png: it is no archive"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_on_a_trained_model_refuse_mistakes(refused, tmp_path, arguments, code, message):
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "samples.npz").write_text("mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "00.png").write_text("not an image")
    (tmp_path / "small").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "small" / "00.png")
    command, *rest = arguments
    actual, line = refused(command, "--workdir=WORKDIR", *rest)
    assert actual == code and message in line


def test_train_refuses_a_mistyped_workdir(refused):
    code, line = refused("train", "--workdir=missing")
    assert code == 2 and "missing holds no training to resume: check --workdir, or add" in line
    # With --init_from no model is chosen for the pictures: nothing is printed on stdout.
    code, line = refused("train", "--init_from=gone", "--data_dir=PICTURES", "--workdir=new")
    assert code == 1 and "there is no workdir gone" in line


def test_a_closed_pipe_ends_a_command_silently():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, str(BIN / "train"), "--helpfull"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=300)
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_an_error_is_named_though_stdout_is_full():
    with open("/dev/full", "w") as full:
        command = [sys.executable, str(BIN / "train"), "--helpfull"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=300, text=True)
    assert done.returncode == 1 and done.stderr == "train: a file: No space left on device\n"


def test_train_names_the_image_it_cannot_decode(tmp_path, pictures):
    shutil.copytree(pictures, tmp_path / "pictures")
    for path in (tmp_path / "pictures").iterdir():
        path.write_bytes(path.read_bytes()[:60])
    code, _, stderr = run_forked(
        tmp_path, "train", *TINY_MODEL, "--dataset=folder", "--data_dir=pictures", "--workdir=new"
    )
    *start_line, last = stderr.splitlines()
    assert code == 1 and last.startswith("train: cannot decode image pictures/")
    assert len(start_line) == 1 and start_line[0].startswith("stage spn: ")


def test_a_record_changed_by_hand_is_named(tmp_path, colour):
    shutil.copytree(colour, tmp_path / "changed")
    record = tmp_path / "changed" / "spn" / "flags.txt"
    record.write_text(record.read_text().replace("--bits=3", "--bits=three"))
    code, _, stderr = run_forked(tmp_path, "evaluate", "--workdir=changed")
    assert code == 1
    assert stderr == "evaluate: changed/spn/flags.txt: --bits=three: use an integer\n"
    assert len(stderr.splitlines()) == 1


def test_commands_say_which_stage_is_not_trained_and_how_to_train_it(tmp_path, cascade):
    shutil.copytree(cascade, tmp_path / "half")
    shutil.rmtree(tmp_path / "half" / "depth" / "checkpoints")
    for command, arguments in _OTHERS.items():
        code, stdout, stderr = run_forked(tmp_path, command, "--workdir=half", *arguments)
        assert (code, stdout) == (1, "")
        assert stderr == (
            f"{command}: half holds no trained stage depth, neither checkpoints nor "
            f"weights.safetensors: train it first with cascade-tf train --workdir=half "
            f"--stage=depth\n"
        )
    shutil.rmtree(tmp_path / "half" / "depth")
    _, _, stderr = run_forked(tmp_path, "export", "--workdir=half", "--output_dir=out")
    assert stderr.endswith("cascade-tf train --flagfile=... --workdir=half --stage=depth\n")


def test_stages_of_one_workdir_must_agree(tmp_path, cascade):
    shutil.copytree(cascade, tmp_path / "mixed")
    record = tmp_path / "mixed" / "depth" / "flags.txt"
    record.write_text(record.read_text().replace("--scale=2", "--scale=4"))
    for command, arguments in (_OTHERS | {"train": ["--stage=depth"]}).items():
        code, stdout, stderr = run_forked(tmp_path, command, "--workdir=mixed", *arguments)
        assert (code, stdout, len(stderr.splitlines())) == (1, "", 1)
        assert "mixed/depth was trained with --scale=4, mixed/size with 2" in stderr


def test_stages_trained_on_different_folders_are_not_evaluated_together(tmp_path, cascade):
    shutil.copytree(cascade, tmp_path / "mixed")
    record = tmp_path / "mixed" / "depth" / "flags.txt"
    lines = record.read_text().splitlines()
    changed = [f"--data_dir={tmp_path}" if "--data_dir" in line else line for line in lines]
    record.write_text("\n".join(changed))
    code, stdout, stderr = run_forked(tmp_path, "evaluate", "--workdir=mixed")
    assert (code, stdout, len(stderr.splitlines())) == (1, "", 1)
    assert "the stages were trained on different folders" in stderr


def test_a_stage_added_to_a_workdir_must_agree_with_its_other_stages(tmp_path, cascade):
    shutil.copytree(cascade, tmp_path / "half")
    shutil.rmtree(tmp_path / "half" / "depth")
    for flag in (
        "--coarse_bits=2", "--bits=7", "--upscaling=depth", "--scale=4", "--dataset=digits"
    ):  # fmt: skip
        code, stdout, stderr = run_forked(
            tmp_path, "train", "--workdir=half", "--stage=depth", flag
        )
        assert (code, stdout, len(stderr.splitlines())) == (1, "", 1)
        assert "was trained with" in stderr and flag.split("=")[0] in stderr


def test_a_flag_missing_in_an_older_record_has_its_default(tmp_path, cascade):
    shutil.copytree(cascade, tmp_path / "old")
    record = tmp_path / "old" / "slice" / "flags.txt"
    lines = record.read_text().splitlines()
    newer = ("--channels=", "--smallest_crop=")
    record.write_text("\n".join(line for line in lines if not line.startswith(newer)))
    before = record.read_text()
    code, _, stderr = run_forked(tmp_path, "train", "--workdir=old", "--smallest_crop=0.5")
    assert code == 1 and "was trained with --smallest_crop=1.0, not 0.5" in stderr
    assert record.read_text() == before
    code, _, stderr = run_forked(tmp_path, "evaluate", "--workdir=old", "--channels=1")
    assert code == 1 and "was trained with --channels=3, not 1" in stderr
    # The other stages record --channels=3, the default, so the stages agree.
    code, _, stderr = run_forked(
        tmp_path, "evaluate", "--workdir=old", "--num_images=1", "--codecs=false"
    )
    assert code == 0, stderr

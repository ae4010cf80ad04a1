"""Models to give away, by the real commands: exported, sampled, evaluated and trained on."""

import json
import re
import shutil

import numpy as np
import pytest

import spn_tf
from cascade_cli.command_line import flags_of, open_experiment
from tests.cascade_cli.commands import files, run, run_forked


@pytest.fixture(scope="module")
def exported(tmp_path_factory, colour):
    """The directory `beads` of a model of 3-bit colour images, exported after an evaluation."""
    folder = tmp_path_factory.mktemp("models")
    workdir = shutil.copytree(colour, folder / "W")
    flags = (f"--workdir={workdir}", "--num_images=2", "--codecs=false")
    run("evaluate eagerly", *flags, "--overwrite")  # the fixture may have been evaluated before
    (folder / "beads").mkdir()  # as mktemp -d would
    flags = (f"--workdir={workdir}", "--format=safetensors", f"--output_dir={folder}/beads")
    run("export eagerly", *flags)
    return folder / "beads"


def test_a_model_holds_weights_records_images_and_a_card_but_no_path_of_this_machine(
    exported, colour, pictures
):
    names = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    assert names == {"README.md", "held_out.npz", "spn/flags.txt", "spn/weights.safetensors"}
    assert [path.name for path in exported.parent.iterdir() if path.name[0] == "."] == []
    contents = b"".join(value for value in files(exported).values() if value)
    assert str(pictures).encode() not in contents and str(colour).encode() not in contents
    record = (exported / "spn" / "flags.txt").read_text().splitlines()
    assert {"--bits=3", "--data_dir=", "--cache_dir=", "--image_size=8"} <= {*record}


def test_the_weights_are_those_of_the_workdir_in_float16(exported, colour, eagerly):
    held_out = np.load(exported / "held_out.npz")
    model = spn_tf.load(exported)
    bits = model.bits_per_dim(held_out["images"])
    np.testing.assert_allclose(bits, held_out["bits_per_dim"], rtol=1e-5)
    np.testing.assert_allclose(
        bits, spn_tf.load(colour).bits_per_dim(held_out["images"]), rtol=1e-3
    )
    assert held_out["images"].dtype == np.uint8 and held_out["images"].shape[1:] == (8, 8, 3)


def test_the_card_has_figures_and_a_command_that_trains_the_same_model(exported, monkeypatch):
    card = (exported / "README.md").read_text()
    figures = json.loads((exported.parent / "W" / "evaluation.json").read_text())
    assert f"| held out | {figures['bits_per_dim']:.4f} ± " in card
    assert figures["fingerprint"]["sha256"][:16] in card
    assert "# beads\n" in card and "8x8, RGB, 3 bits" in card and "spn: 4 steps in 0." in card
    assert "| licence | TODO" in card
    (command,) = re.findall(r"\| command, in this folder \| `cascade-tf train (.*)` \|", card)
    monkeypatch.chdir(exported)
    _, again = open_experiment(command.split(), flags_of("train"))
    own = open_experiment([f"--workdir={exported}"], flags_of("train"))[1]
    kinds = again.family.kinds
    assert [again.settings(k, "spn") for k in kinds] == [own.settings(k, "spn") for k in kinds]


@pytest.mark.parametrize("changes", [{"steps": {"spn": 3}}, {"fingerprint": {"sha256": "other"}}])
def test_figures_of_other_weights_or_images_do_not_get_into_the_card(exported, tmp_path, changes):
    workdir = shutil.copytree(exported.parent / "W", tmp_path / "W")
    figures = json.loads((workdir / "evaluation.json").read_text())
    (workdir / "evaluation.json").write_text(json.dumps(figures | changes))
    flags = ("--workdir=W", "--format=safetensors", "--output_dir=new/M")
    code, stdout, stderr = run_forked(tmp_path, "export eagerly", *flags)
    assert code == 0, stderr
    assert f"next: complete {tmp_path}/new/M/README.md, where it says TODO" in stdout
    assert "| held out | TODO" in (tmp_path / "new" / "M" / "README.md").read_text()


def test_a_model_is_sampled_and_evaluated_as_a_workdir_is(exported, pictures, tmp_path):
    before = files(exported)
    flags = ("--model=" + str(exported), "--num_samples=2", "--output_dir=S", "--temperature=0.9")
    code, _, stderr = run_forked(tmp_path, "sample", *flags)
    assert code == 0, stderr
    assert np.load(tmp_path / "S" / "samples.npz")["images"].shape == (2, 8, 8, 3)
    flags = (f"--model={exported}", f"--data_dir={pictures}", "--num_images=2", "--codecs=false")
    code, stdout, stderr = run_forked(tmp_path, "evaluate eagerly", *flags)
    assert code == 0, stderr
    figures = json.loads(stdout.splitlines()[-1])
    own = json.loads((exported.parent / "W" / "evaluation.json").read_text())
    assert figures["fingerprint"] == own["fingerprint"] and figures["steps"] == {"spn": 4}
    assert figures["bits_per_dim"] == pytest.approx(own["bits_per_dim"], rel=1e-3)
    assert files(exported) == before and [path.name for path in tmp_path.iterdir()] == ["S"]


def test_a_training_starts_from_a_model(exported, tmp_path):
    flags = (f"--init_from={exported}", "--dataset=photos", "--workdir=new", "--steps=1")
    code, _, stderr = run_forked(tmp_path, "train eagerly", *flags, "--batch_size=2", "--noreport")
    assert code == 0, stderr
    assert f"starts from the weights of {exported}/spn/weights.safetensors" in stderr
    assert "--ffn_size=8" in (tmp_path / "new" / "spn" / "flags.txt").read_text()


@pytest.mark.parametrize(
    ("command", "arguments", "code", "message"),
    [
        ("sample", ["--model=wasps", "--output_dir=S"], 1, "no model of that name: there is "),
        ("sample", ["--model=no/such", "--output_dir=S"], 1, "there is no workdir no/such"),
        ("sample", ["--model=M", "--workdir=M"], 2, "--workdir=M --model=M: name one of the two"),
        ("sample", ["--model=M/spn"], 1, "M/spn is the directory of one stage: use M"),
        ("sample", ["--model=M", "--scale=4"], 1, "was trained with --scale=2, not 4"),
        ("evaluate", ["--model=M"], 2, "--dataset=folder: name the folder of images by"),
        ("train", ["--workdir=M", "--steps=9"], 1, "of a finished model: train in another --workd"),
        (
            "export",
            ["--workdir=M", "--format=safetensors", "--output_dir=M"],
            1,
            "M exists already",
        ),
        (
            "export",
            ["--workdir=M", "--format=safetensors", "--output_dir=N", "--overwrite"],
            2,
            "--overwrite is for SavedModels",
        ),
        ("sample", ["--model=cut", "--output_dir=S"], 1, "cut/spn/weights.safetensors is damaged"),
        (
            "sample",
            ["--model=wide", "--output_dir=S"],
            1,
            "does not fit the network that flags.txt",
        ),
        (
            "sample",
            ["--model=half", "--output_dir=S"],
            1,
            "neither checkpoints nor weights.safeten",
        ),
    ],
)
def test_mistakes_give_one_line_and_change_nothing(
    exported, tmp_path, command, arguments, code, message
):
    for name in ("M", "cut", "wide", "half"):
        shutil.copytree(exported, tmp_path / name)
    weights = tmp_path / "cut" / "spn" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    record = tmp_path / "wide" / "spn" / "flags.txt"
    record.write_text(record.read_text().replace("--ffn_size=8", "--ffn_size=9"))
    (tmp_path / "half" / "spn" / "weights.safetensors").unlink()
    before = files(tmp_path)
    actual, stdout, stderr = run_forked(tmp_path, command, *arguments)
    assert (actual, stdout, len(stderr.splitlines())) == (code, "", 1), stderr
    assert message in stderr
    assert files(tmp_path) == before

import pytest

from cascade_cli.evaluation.report import FIGURES, PLOTS
from cascade_cli.own_pictures.chosen import CHOSEN_FLAGS
from cascade_cli.sample_files import NAMES
from cascade_tf.data import own_outputs
from cascade_tf.data.folder_listing import image_paths
from cascade_tf.errors import UserError
from tests.cascade_tf.data.test_folder import add_images, folder_source


def test_the_names_are_those_that_the_commands_write():
    assert set(NAMES) == own_outputs._SHEETS | own_outputs._ARRAYS
    assert set(PLOTS) == own_outputs._PLOTS
    assert {CHOSEN_FLAGS, FIGURES} == own_outputs._ALWAYS


@pytest.mark.parametrize("workdir", [".", "runs/pictures", "cat/W"])
def test_what_workdirs_hold_is_left_out(tmp_path, capsys, workdir):
    pictures = ["1.png", "2.png", "cat/3.png", "samples/4.png", "runs/5.png"]
    outputs = ["samples/step_6/samples.png", "spn/train/profile.png", "S/samples.png"]
    plots = ["training.png", "truncations.png"]
    add_images(tmp_path, pictures)
    add_images(tmp_path / workdir, [*outputs, *plots, "S/stages.png"])
    for name in (
        *("spn/flags.txt", "spn/lock", "spn/classes.json", "chosen.flags", "evaluation.json"),
        *("samples/step_6/samples.npz", "S/samples.npz", "S/stages.npz"),
    ):
        (tmp_path / workdir / name).write_text("x")
    assert image_paths(str(tmp_path), "`data_dir`") == sorted(pictures)
    assert folder_source(tmp_path).class_names == ("", "cat", "runs", "samples")
    assert not capsys.readouterr().err
    with pytest.raises(UserError, match=r"no images in the folder .*, only samples of a model"):
        image_paths(str(tmp_path / workdir / "S"), "`data_dir`")


def test_a_folder_that_holds_samples_keeps_its_own_pictures(tmp_path):
    add_images(tmp_path, ["cat/1.png", "cat/samples.png", "dog/samples.png", "dog/training.png"])
    (tmp_path / "cat/samples.npz").write_text("x")
    assert image_paths(str(tmp_path), "`data_dir`") == [
        "cat/1.png",
        "dog/samples.png",
        "dog/training.png",
    ]

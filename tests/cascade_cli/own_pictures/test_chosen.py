import os

from PIL import Image

from cascade_cli import flagfiles
from cascade_cli.command_line import flags_of, open_experiment
from cascade_cli.own_pictures import chosen
from cascade_cli.own_pictures.networks import Machine


def test_paths_with_a_last_space_survive_the_flagfile(tmp_path, monkeypatch):
    """Lines of flagfiles lose it."""
    monkeypatch.setattr(chosen, "measured_machine", lambda parts: Machine(0.006, 2, parts))
    monkeypatch.setattr(chosen, "set_intra_op_threads", lambda threads: None)  # of this process
    folder = tmp_path / "my pictures "
    folder.mkdir()
    for number in range(4):
        Image.new("L", (8, 8)).save(folder / f"{number}.png")
    given = [f"--data_dir={folder}", f"--workdir={tmp_path}/w "]
    flagfile = chosen.choose_settings(*_opened(given)).flagfile
    (tmp_path / "a.flags").write_text(flagfile)
    experiment, _ = _opened(flagfiles.expand([f"--flagfile={tmp_path}/a.flags"]))
    assert str(experiment.workdir) == f"{tmp_path}/w "
    assert os.path.samefile(experiment.data("spn").data_dir, folder)


def _opened(arguments):
    options, experiment = open_experiment(arguments, flags_of("train"))
    return experiment, options

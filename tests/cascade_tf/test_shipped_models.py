import pytest
from etils import epath

from cascade_tf import shipped_models
from cascade_tf.description import recorded_text
from cascade_tf.errors import UserError
from cascade_tf.shipped_models import located, models


@pytest.fixture
def home(tmp_path, monkeypatch) -> epath.Path:
    """A package with the models ants and bees; the working directory is another."""
    home = epath.Path(tmp_path) / "package" / "models"
    for name in ("bees", "ants"):
        (home / name / "spn").mkdir(parents=True)
        (home / name / "spn" / "flags.txt").touch()
    (home / "README.md").touch()
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setattr(shipped_models, "_home", lambda: home)
    return home


def test_models_are_found_by_name(home):
    assert models() == ["ants", "bees"]
    assert located("bees") == located(epath.Path("bees")) == home / "bees"


def test_a_workdir_precedes_a_model_of_its_name_and_a_folder_of_pictures_does_not(home, tmp_path):
    pictures = tmp_path / "cwd" / "bees"
    (pictures / "class").mkdir(parents=True)
    (pictures / "class" / "00.png").touch()
    assert located("bees") == home / "bees"
    assert located("./bees/") == epath.Path("bees") and located(pictures) == epath.Path(pictures)
    (pictures / "spn").mkdir()
    (pictures / "spn" / "flags.txt").touch()
    assert located("bees") == epath.Path("bees")


def test_an_unknown_name_is_answered_with_the_names(home, tmp_path):
    with pytest.raises(UserError, match=r"no workdir wasps, and no model .*: there is ants, bees"):
        located("wasps")
    for path in ("runs/wasps", "gs://bucket/wasps", tmp_path / "wasps"):
        assert located(path) == epath.Path(path)  # an Experiment says that it does not exist


def test_records_keep_the_name_of_a_model_and_make_paths_absolute(home, tmp_path):
    assert recorded_text("init_from", "bees") == "bees"
    assert recorded_text("init_from", "runs/bees") == str(tmp_path / "cwd" / "runs" / "bees")
    assert recorded_text("data_dir", "bees") == str(tmp_path / "cwd" / "bees")

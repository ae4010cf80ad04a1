import json

import pytest

from cascade_cli.evaluation.report import Report
from cascade_cli.options import EvaluateOptions
from cascade_tf.errors import UserError


def _options(workdir, **options):
    return EvaluateOptions(workdir=str(workdir), **options)


def _evaluate(options, *, error=None):
    """An evaluation of two parts, of which an error ends the second one."""
    with Report(options) as report:
        report.warn("a warning")
        report.begin("first", "second")
        report.results["bits"] = 3.0
        report.done("first", "first: 3 bits")
        if error is not None:
            raise error
        report.results["more"] = 4.0
        report.done("second")
        report.done("fingerprint")


def _file(directory):
    return json.loads((directory / "evaluation.json").read_text())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("no image"), MemoryError()])
def test_a_part_outlives_any_end_of_the_next_one(tmp_path, capsys, error):
    with pytest.raises(type(error)):
        _evaluate(_options(tmp_path), error=error)
    line, last = capsys.readouterr().out.splitlines()
    expected = {"split": "test", "bits": 3.0, "missing": ["second", "fingerprint"]}
    assert line == "first: 3 bits" and json.loads(last) == _file(tmp_path) == expected


def test_without_a_part_there_is_no_line_and_no_file(tmp_path, capsys):
    with pytest.raises(UserError), Report(_options(tmp_path)) as report:
        report.warn("a warning")  # the error alone is shown
        raise UserError("wrong options")
    assert capsys.readouterr() == ("", "") and not list(tmp_path.iterdir())


def test_a_file_in_the_workdir_is_kept_unless_overwrite_is_set(tmp_path, capsys):
    _evaluate(_options(tmp_path, split="all"))
    assert _file(tmp_path) == {"split": "all", "bits": 3.0, "more": 4.0}
    capsys.readouterr()
    _evaluate(_options(tmp_path))
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["split"] == "test" and _file(tmp_path)["split"] == "all"
    assert f"{tmp_path}/evaluation.json exists already and is kept: --overwrite" in err
    _evaluate(_options(tmp_path, overwrite=True))
    assert _file(tmp_path)["split"] == "test"


def test_files_of_an_output_dir_are_refused_at_once(tmp_path):
    _evaluate(_options(tmp_path / "w", output_dir=str(tmp_path / "out")))
    assert _file(tmp_path / "out")["more"] == 4.0 and not (tmp_path / "w").exists()
    with pytest.raises(UserError, match=r"evaluation.json exists already: add `overwrite`"):
        Report(_options(tmp_path / "w", output_dir=str(tmp_path / "out")))


def test_a_workdir_that_cannot_be_written_to_gets_no_file(tmp_path, capsys):
    (tmp_path / "file").touch()
    _evaluate(_options(tmp_path / "file"))
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["more"] == 4.0
    assert "cannot write to the directory" in err and err.count("\n") == 2

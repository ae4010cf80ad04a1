"""`train --data_dir=PICTURES` alone chooses the rest, and its flagfile is the same experiment."""

import re

import pytest

from tests.cascade_cli.commands import files, run_forked

_TINY = ("--max_minutes=0.001", "--batch_size=2", "--report=false")
_WORKDIR = "runs/pictures _1__0"  # the folder's name without wildcards


@pytest.fixture(scope="module")
def directory(tmp_path_factory, pictures):
    """A directory where the pictures are trained on for a moment; stdout and stderr beside it."""
    directory = tmp_path_factory.mktemp("own")
    code, stdout, stderr = run_forked(directory, "train eagerly", f"--data_dir={pictures}", *_TINY)
    assert code == 0, stderr
    (directory / "stdout").write_text(stdout)
    (directory / "stderr").write_text(stderr)
    return directory


def test_the_flagfile_is_printed_and_saved_with_what_was_seen(directory, pictures):
    text = (directory / _WORKDIR / "chosen.flags").read_text()
    assert (directory / "stdout").read_text().strip() == text.strip()
    assert "Chosen for 12 pictures, 8x8 pixels, colour." in text
    assert "--image_size=8\n--channels=3\n" in text
    given = set(text.partition("# As given")[2].splitlines()[1:])
    assert given == {f"--data_dir={pictures}", "--dataset=folder", *_TINY}
    assert "12 pictures" in (directory / "stderr").read_text()


def test_the_flagfile_is_the_same_experiment(directory):
    flagfile = f"--flagfile={_WORKDIR}/chosen.flags"
    code, stdout, stderr = run_forked(directory, "train eagerly", flagfile, "--workdir=again")
    assert (code, stdout) == (0, ""), stderr
    first, again = (directory / _WORKDIR / "spn", directory / "again" / "spn")
    assert (first / "flags.txt").read_text() == (again / "flags.txt").read_text()


def test_a_workdir_that_is_trained_is_resumed_without_a_new_choice(directory, pictures):
    workdir = directory / _WORKDIR
    (workdir / "chosen.flags").write_text("# edited\n")
    before = files(workdir)
    for where in ([], [f"--workdir={_WORKDIR}"]):
        code, stdout, stderr = run_forked(
            directory, "train eagerly", f"--data_dir={pictures}", "--report=false", *where
        )
        assert (code, stdout) == (0, ""), stderr
        assert "resumed at step" in stderr
    after = files(workdir)
    for name in ("chosen.flags", "spn/flags.txt"):
        assert after[workdir / name] == before[workdir / name]


def test_the_default_workdir_of_another_folder_is_refused(directory, tmp_path, pictures):
    other = tmp_path / pictures.name
    other.symlink_to(pictures)
    code, _, stderr = run_forked(directory, "train eagerly", f"--data_dir={other}", *_TINY)
    assert code == 0, stderr  # the same folder
    other.unlink()
    other.mkdir()
    before = files(directory)
    code, stdout, stderr = run_forked(directory, "train", f"--data_dir={other}")
    assert (code, stdout) == (2, "")
    assert re.fullmatch(rf"train: {re.escape(_WORKDIR)} holds a training of .*--workdir\n", stderr)
    assert files(directory) == before


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ({}, (), "no images"),
        ({"a.png": b"bad"}, (), "one image in"),
        ({"a.png": b"bad", "b.jpg": b"bad"}, (), "no picture can be opened, of 2 tried"),
        ({"runs/W/chosen.flags": b""}, ("--workdir=runs/W",), "no training"),
    ],
)
def test_a_folder_that_cannot_be_trained_on_gives_one_line(tmp_path, content, arguments, message):
    (tmp_path / "folder").mkdir()
    for name, data in content.items():
        path = tmp_path / name if "/" in name else tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    before = files(tmp_path)
    code, stdout, stderr = run_forked(tmp_path, "train", "--data_dir=folder", *arguments)
    assert code in (1, 2) and stdout == "" and len(stderr.splitlines()) == 1
    assert message in stderr
    assert files(tmp_path) == before

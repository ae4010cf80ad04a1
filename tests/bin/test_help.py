import pytest

from tests.bin.commands import run_forked


@pytest.mark.parametrize("command", ["train", "evaluate", "sample", "export"])
def test_help_shows_the_flags_of_the_experiment_and_of_the_command(tmp_path, command):
    _, stdout, stderr = run_forked(tmp_path, command, "--help")
    assert stderr == ""
    usage, _, flags = stdout.partition("flags:")
    assert f"bin/{command} --" in usage  # a command to copy
    shown = dict(flag.split(": ", 1) for flag in flags.split("\n  --")[1:])
    for name, default in {
        "scale": "4",
        "learning_rate": "5e-05",
        "learning_rate_boundaries": "",
        "[no]jit_compile": "true",
        "precision": "float32",
        "embedder_conv_layers": "5",
    }.items():
        assert f"(default: '{default}')" in shown[name]
    assert {"workdir", {"train": "stage", "evaluate": "split"}.get(command, "output_dir")} <= {
        *shown
    }
    assert "repeat this option" not in stdout  # absl's words on flags that hold lists

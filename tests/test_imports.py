"""Imports point one way: cascade_cli -> wavelet_tf -> spn_tf -> cascade_tf."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "cascade_tf": set(),
    "spn_tf": {"cascade_tf"},
    "wavelet_tf": {"cascade_tf", "spn_tf"},
    "cascade_cli": {"cascade_tf", "spn_tf", "wavelet_tf"},
}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_those_below_it_alone(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        others = _imported(path) & MAY_IMPORT.keys() - {package}
        assert others <= MAY_IMPORT[package], path


def test_the_wavelet_transform_stands_alone():
    for path in (ROOT / "wavelet_tf" / "transform").glob("*.py"):
        assert "spn_tf" not in _imported(path), path


def test_not_so_biggan_imports_the_other_paper_for_priors_alone():
    for path in (ROOT / "wavelet_tf").rglob("*.py"):
        assert "spn_tf" not in _imported(path) or path.name in ("family.py", "priors.py"), path


def test_the_commands_know_no_model_family():
    for path in (ROOT / "cascade_cli" / "commands").glob("*.py"):
        assert not _imported(path) & {"spn_tf", "wavelet_tf"}, path


def test_no_program_changes_the_path_of_imports():
    programs = [*ROOT.rglob("*.py"), *(ROOT / "bin").iterdir()]
    for path in programs:
        if path.is_file() and ".venv" not in path.parts and path != pathlib.Path(__file__):
            assert "sys.path." + "insert" not in path.read_text(), path


def _imported(path: pathlib.Path) -> set[str]:
    """The top packages that a file imports, in whatever place."""
    packages = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        packages |= {name.split(".")[0] for name in names}
    return packages

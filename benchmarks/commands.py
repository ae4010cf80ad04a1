"""Commands of bin/ as functions, for studies of several trainings."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(name: str, *arguments: object) -> str:
    """Prints and runs a command of bin/; returns its standard output.

    Raises:
        SystemExit: it failed, with what it wrote to stderr.
    """
    line = " ".join([f"bin/{name}", *map(str, arguments)])
    print(line, flush=True)
    done = subprocess.run(
        [sys.executable, str(ROOT / "bin" / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{line}\n{done.stderr}")
    return done.stdout


def kept(
    path: pathlib.Path, settings: dict[str, Any], measure: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """The results in a file, or of `measure`, which are then written there with the settings.

    Raises:
        SystemExit: the file has results of other settings.
    """
    if path.exists():
        stored = json.loads(path.read_text())
        if stored["settings"] != settings:
            raise SystemExit(f"{path} has results of other settings: use another directory")
        return stored["results"]
    results = measure()
    path.write_text(json.dumps({"settings": settings, "results": results}))
    return results


def figures(workdir: pathlib.Path, *arguments: object) -> dict[str, Any]:
    """The figures of bin/evaluate."""
    return json.loads(run("evaluate", f"--workdir={workdir}", *arguments).splitlines()[-1])

"""Packages of this project's extras, which a user may not have installed."""

import importlib.util
import sys
from collections.abc import Iterable

from cascade_tf.errors import UserError


def require_packages(purpose: str, packages: Iterable[str], extra: str) -> None:
    """Raises UserError, with the command that installs it, if a package is missing.

    >>> require_packages("`format`=onnx", ["absent"], "onnx")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cascade_tf.errors.UserError: `format`=onnx needs the package absent, which ...

    Args:
        purpose: what needs the packages.
        packages: names to import them by.
        extra: of this project, that brings them.
    """
    for name in packages:
        try:
            found = importlib.util.find_spec(name) is not None
        except ModuleNotFoundError:  # the package that it is in
            found = False
        if not found:
            raise UserError(
                f"{purpose} needs the package {name}, which is not installed for "
                f"{sys.executable}: pip install 'cascade-tf[{extra}]'"
            )

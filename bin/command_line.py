"""How every command starts and ends: quiet TensorFlow, one line for an error, an exit code.

Import it before anything that imports TensorFlow.
"""

import contextlib
import ctypes
import importlib.util
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors reach users as exceptions
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
_on_interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback from the imports
# The packages lie beside bin/, installed or not.
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent))


def fail(message: str, exit_code: int) -> NoReturn:
    """Ends the program with one line on stderr."""
    sys.stdout.flush()
    line = " ".join(message.split("\n"))
    print(f"{pathlib.Path(sys.argv[0]).name}: {line}", file=sys.stderr, flush=True)
    os._exit(exit_code)  # threads of a data pipeline must not keep the program alive


for _package in ("tensorflow", "absl", "rich"):
    if importlib.util.find_spec(_package) is None:
        fail(f"{_package} is not installed for {sys.executable}: see README.md, Install", 1)


def _set_log_level_of_absl() -> None:
    """In TensorFlow 2.19 and 2.20, whose absl for C++ does not read the environment."""
    library = ctypes.CDLL(f"{tf.sysconfig.get_lib()}/libtensorflow_framework.so.2")
    for release in ("20230802", "20250127"):
        name = f"_ZN4absl12lts_{release}14SetMinLogLevelENS0_18LogSeverityAtLeastE"
        with contextlib.suppress(AttributeError):
            library[name](int(os.environ["TF_CPP_MIN_LOG_LEVEL"]))


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drops what native code writes to stderr; Python's exceptions come through."""
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


with _silent_stderr():  # TensorFlow greets whatever its log level
    import keras  # noqa: F401
    import tensorflow as tf

    with contextlib.suppress(OSError, ValueError):  # another system, a level that is no number
        _set_log_level_of_absl()

from absl import app, flags, logging

import flagfiles
from cascade_tf.data import undecodable_image_message
from cascade_tf.errors import UserError
from cascade_tf.interruption import Interrupted


# Full disks, missing rights and the like; other errors of TensorFlow are ours, with a traceback.
_OF_THE_SYSTEM = (
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
)


def run(main: Callable[[], None]) -> None:
    """Parses flags and runs `main`; errors meant for the user end the program in one line."""

    def parse(argv: list[str]) -> list[str]:
        try:
            rest = flags.FLAGS(argv[:1] + flagfiles.expand(argv[1:]))
        except BrokenPipeError:
            os._exit(1)  # `--help | head`
        except SystemExit:
            raise SystemExit(0) from None  # --help, which absl ends with 1
        except (flags.Error, UserError) as error:
            fail(str(error).removeprefix("ERROR:: "), 2)
        if len(rest) > 1:
            fail(f"unexpected argument {rest[1]!r}: flags start with --", 2)
        return rest

    def guarded(_: list[str]) -> None:
        signal.signal(signal.SIGINT, _on_interrupt)
        logging.set_verbosity(logging.WARNING)
        tf.get_logger().setLevel("ERROR")  # its warnings are for the authors, not for users
        try:
            main()
        except (UserError, Interrupted) as error:
            fail(str(error), error.exit_code)
        except tf.errors.OpError as error:
            message = undecodable_image_message(error)
            if message is None and not isinstance(error, _OF_THE_SYSTEM):
                raise
            fail(message or error.message.splitlines()[0], UserError.exit_code)
        except OSError as error:
            fail(f"{error.filename or 'a file'}: {error.strerror}", UserError.exit_code)
        except KeyboardInterrupt:
            fail("stopped", 130)

    app.run(guarded, flags_parser=parse)

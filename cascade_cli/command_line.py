"""Entry point of all commands: reads flags, runs a command, and reports errors in one line.

Flags, settings and workdirs are checked before TensorFlow is imported, so that mistakes and
`--help` are answered at once.
"""

import contextlib
import dataclasses
import importlib
import importlib.util
import os
import signal
import sys
from typing import Any, NoReturn

from absl import flags

import cascade_tf
from cascade_cli import flagfiles, help_pages
from cascade_cli.options import (
    CompareOptions,
    CompileOptions,
    CompressOptions,
    DecompressOptions,
    EvaluateOptions,
    ExportOptions,
    LowerOptions,
    Options,
    SampleOptions,
    TrainedOptions,
    TrainOptions,
)
from cascade_cli.own_pictures.defaults import choice_is_wanted, default_flags
from cascade_cli.scoped_flags import Flags
from cascade_cli.systems import FAMILIES, SystemSettings
from cascade_tf.errors import UsageError, UserError, with_flags
from cascade_tf.experiment import Experiment, NotTrainedError
from cascade_tf.family import SHARED
from cascade_tf.interruption import Interrupted
from cascade_tf.shipped_models import located

COMMANDS: dict[str, type[Options]] = {
    "train": TrainOptions,
    "evaluate": EvaluateOptions,
    "sample": SampleOptions,
    "export": ExportOptions,
    "compile": CompileOptions,
    "lower": LowerOptions,
    "compare": CompareOptions,
    "compress": CompressOptions,
    "decompress": DecompressOptions,
}


def main(arguments: list[str] | None = None) -> None:
    """Runs `cascade-tf COMMAND ...`; an error ends the process with its exit code.

    Args:
        arguments: the command and its flags; by default those of the process.

    >>> main(["--version"])  # doctest: +ELLIPSIS
    cascade-tf ...
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # ± is not in ASCII; stderr never fails
    try:
        _dispatch((sys.argv[1:] if arguments is None else arguments) or ["--help"])
        print(end="", flush=True)  # not at exit, where a closed pipe gives a warning
    except BrokenPipeError:
        os._exit(128 + signal.SIGPIPE)  # silently, as programs end that SIGPIPE kills


def _dispatch(arguments: list[str]) -> None:
    command, *rest = arguments
    if command in ("-h", "--help", "help"):
        print(help_pages.commands(COMMANDS))
    elif command == "--version":
        print(f"cascade-tf {cascade_tf.__version__}")
    elif command in COMMANDS:
        run(command, rest)
    else:
        names = ", ".join(COMMANDS)
        fail("cascade-tf", f"unknown command {command!r}: use {names}", UsageError.exit_code)


def run(command: str, arguments: list[str]) -> None:
    """Runs one command; an error that the user can fix ends the process with one line.

    Args:
        command: one of COMMANDS.
        arguments: its flags.
    """
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback while importing
    parser = flags_of(command)
    try:
        page = help_pages.wanted(command, arguments, parser)
        if page is not None:
            print(page, flush=True)
            return
        options, experiment = _opened(arguments, parser)
        if isinstance(options, TrainedOptions):
            experiment.require_trained()
            os.environ.pop("TF_CONFIG", None)  # they run in one process, and wait for no other
        _require_packages()
        from cascade_cli import quiet_tensorflow

        quiet_tensorflow.start()
        signal.signal(signal.SIGINT, on_interrupt)
        if isinstance(options, TrainOptions) and choice_is_wanted(
            arguments, experiment, parser.names
        ):
            from cascade_cli.own_pictures.chosen import choose_settings

            chosen = choose_settings(experiment, options)
            print(chosen.flagfile, flush=True)
            _, experiment = open_experiment([*chosen.flags, *arguments], parser)
            options = dataclasses.replace(options, chosen=chosen.flagfile)
        module = importlib.import_module(f"cascade_cli.commands.{command}")
        module.main(experiment, options)
    except flags.Error as error:
        fail(command, str(error), UsageError.exit_code)
    except (UserError, Interrupted) as error:
        fail(command, with_flags(_message(error)), error.exit_code)
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(command, f"{error.filename or 'a file'}: {error.strerror}", UserError.exit_code)
    except KeyboardInterrupt:
        fail(command, "stopped", 130)
    except Exception as error:
        message = _system_message(error)
        if message is None:
            raise
        fail(command, message, UserError.exit_code)


def flags_of(command: str) -> Flags:
    """All flags of a command.

    >>> "temperature" in flags_of("sample").names
    True
    """
    kinds = [kind for family in FAMILIES.values() for kind in (*family.whole, *family.kinds)]
    return Flags(COMMANDS[command], [SystemSettings, *SHARED, *kinds])


def _opened(arguments: list[str], parser: Flags) -> tuple[Options, Any]:
    """The command's options, and its experiment; for `compare` the models' flags by name."""
    if parser.options is not CompareOptions:
        return open_experiment(arguments, parser)
    from cascade_cli.compared_models import compared_models

    options, settings = parser.parse(flagfiles.expand(arguments))
    assert isinstance(options, CompareOptions)
    return options, compared_models(options, settings)


def open_experiment(arguments: list[str], parser: Flags) -> tuple[Options, Experiment]:
    """A command's options, and the experiment that its flags describe.

    >>> flags = ["--workdir=W", "--upscaling=size"]
    >>> options, experiment = open_experiment(flags, flags_of("train"))
    >>> options.workdir, experiment.stage_names
    ('W', ['slice', 'size'])

    Args:
        arguments: flags, as on a command line.
        parser: the flags of the command, from `flags_of`.

    Raises:
        flags.Error: an unknown flag, or a value of another type.
        UserError: values that cannot work, or that differ from the trained ones.
    """
    arguments = flagfiles.expand(arguments)
    options, settings = parser.parse(arguments)
    if isinstance(options, TrainOptions):
        options, settings = parser.parse([*default_flags(options, settings), *arguments])
    if isinstance(options, TrainedOptions) and options.model:
        return options, Experiment(located(options.model), FAMILIES, settings)
    if isinstance(options, CompileOptions):  # it may do without: then nothing is recorded
        return options, Experiment(options.workdir or "/nonexistent", FAMILIES, settings)
    if not options.workdir:
        advice = "name the experiment's directory, or a trained model by `model`"
        if isinstance(options, TrainOptions):
            advice = (
                "name the experiment's directory, or a folder of pictures by `data_dir`, or a "
                "config by `flagfile`"
            )
        raise UsageError(f"`workdir` is missing: {advice}")
    return options, Experiment(options.workdir, FAMILIES, settings)


def fail(command: str, message: str, exit_code: int) -> NoReturn:
    """Ends the process with one line on stderr."""
    with contextlib.suppress(OSError):  # of a full disk, a closed pipe or terminal
        print(end="", flush=True)
    with contextlib.suppress(OSError):
        print(f"{command}: {' '.join(message.splitlines())}", file=sys.stderr, flush=True)
    os._exit(exit_code)  # threads of a data pipeline must not keep the process alive


def _message(error: UserError | Interrupted) -> str:
    """One line for an error; for a stage that is not trained, with the command that trains it."""
    if isinstance(error, NotTrainedError):
        flagfile = [] if error.is_recorded else ["--flagfile=..."]
        workdir = f"--workdir={error.workdir}"
        command = ["cascade-tf train", *flagfile, workdir, f"--stage={error.stage}"]
        return f"{error} with {' '.join(command)}"
    return error.recorded if isinstance(error, UserError) else str(error)


def _require_packages() -> None:
    for package in ("tensorflow", "keras"):
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"{package} is not installed for {sys.executable}: "
                f"pip install 'cascade-tf[cpu]', or [gpu] or [tpu] in place of [cpu]"
            )


def _system_message(error: Exception) -> str | None:
    """One line for a TensorFlow error that the user can fix, such as a full disk; else None."""
    tf = sys.modules.get("tensorflow")
    if tf is None or not isinstance(error, tf.errors.OpError):
        return None
    from cascade_tf.data import undecodable_image_message

    message = undecodable_image_message(error)
    system_errors = (
        tf.errors.FailedPreconditionError,
        tf.errors.NotFoundError,
        tf.errors.PermissionDeniedError,
        tf.errors.ResourceExhaustedError,
    )
    if message is None and isinstance(error, system_errors):
        return error.message.splitlines()[0]
    return message

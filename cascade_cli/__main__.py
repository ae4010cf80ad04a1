"""Runs `python -m cascade_cli COMMAND ...`, the same as `cascade-tf COMMAND ...`."""

from cascade_cli.command_line import main

if __name__ == "__main__":
    main()

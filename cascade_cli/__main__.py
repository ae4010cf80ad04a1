"""`python -m cascade_cli COMMAND ...`, as `cascade-tf COMMAND ...`."""

from cascade_cli.command_line import main

main()

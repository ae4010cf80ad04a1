"""Tables for people, on stdout."""

from rich.console import Console
from rich.table import Table


def print_table(table: Table) -> None:
    """Prints a table: on a terminal in its width, to a file or a pipe without wrapped cells.

    >>> print_table(Table("word " * 30))  # doctest: +ELLIPSIS
    ┏━...━┓
    ┃ word word ...word  ┃
    ...
    """
    console = Console()
    if not console.is_terminal:
        console.width = 10_000
    with console.capture() as text:
        console.print(table)
    print(text.get(), end="", flush=True)  # rich would end the process at a closed pipe

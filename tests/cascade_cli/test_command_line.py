import io
import sys

from cascade_cli import command_line


def test_what_the_terminals_encoding_lacks_is_replaced(monkeypatch):
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, "ascii"))
    monkeypatch.setattr(command_line, "run", lambda *_: print("0.82 \N{PLUS-MINUS SIGN} 0.02"))
    command_line.main(["evaluate"])
    assert output.getvalue() == b"0.82 ? 0.02\n"

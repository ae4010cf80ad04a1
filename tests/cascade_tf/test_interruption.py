import os
import signal

import pytest

from cascade_tf.interruption import StopRequest


@pytest.fixture
def handler():
    """Sets the handler of SIGHUP for a test."""
    before = signal.getsignal(signal.SIGHUP)
    yield lambda action: signal.signal(signal.SIGHUP, action)
    signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_is_one_request_though_two_signals_arrive(handler):
    handler(signal.SIG_DFL)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)  # would end the tests
    assert stop.signal == signal.SIGHUP
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL


def test_nohup_keeps_ignoring_the_signal(handler):
    handler(signal.SIG_IGN)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
    assert stop.signal is None and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN

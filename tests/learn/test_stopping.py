"""Deferred signals: recorded at once, in effect at the end of the block."""

import signal
import threading

import pytest

from kinoloom.learn.stopping import defer_signals


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_takes_effect_after_the_block(signal_number: signal.Signals) -> None:
    received: list[int] = []
    previous = signal.signal(signal_number, lambda got, frame: received.append(got))
    try:
        with defer_signals() as request:
            assert request.signal_number == 0
            signal.raise_signal(signal_number)
            assert (request.signal_number, received) == (signal_number, [])
        assert received == [signal_number]
    finally:
        signal.signal(signal_number, previous)


def test_error_in_the_block_takes_precedence() -> None:
    previous = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="disk gone"), defer_signals():
        signal.raise_signal(signal.SIGINT)
        raise OSError("disk gone")
    assert signal.getsignal(signal.SIGINT) is previous


def test_other_threads_leave_signals_unchanged() -> None:
    previous = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with defer_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [previous]

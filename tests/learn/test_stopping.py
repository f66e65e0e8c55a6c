"""A signal that asks to stop is taken down, and has its effect when the work is in order."""

import signal
import threading

import pytest

from kinoloom.learn.stopping import defer_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_has_its_effect_after_the_block(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda got, frame: heard.append(got))
    try:
        with defer_signals() as asked:
            assert asked.number == 0
            signal.raise_signal(number)
            assert (asked.number, heard) == (number, [])
        assert heard == [number]
    finally:
        signal.signal(number, before)


def test_an_error_in_the_block_goes_before_the_signal() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="disk gone"), defer_signals():
        signal.raise_signal(signal.SIGINT)
        raise OSError("disk gone")
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with defer_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]

"""prefetch(): order, bounds, errors and ends of the maker in its thread."""

import threading
from collections.abc import Iterable, Iterator

import pytest

from kinoloom.base.prefetch import prefetch

WAIT_S = 5.0


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("count", [0, 1, 3, 100])
@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_items_come_in_order_and_the_thread_ends(count: int, ahead: int) -> None:
    assert list(prefetch(range(count), ahead)) == list(range(count))
    assert "kinoloom-prefetch" not in threads()


def test_items_that_are_none_or_false_are_items_too() -> None:
    assert list(prefetch([None, False, 0, ""])) == [None, False, 0, ""]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_producer_error_is_raised_after_earlier_items(error: type[BaseException]) -> None:
    def make() -> Iterator[int]:
        yield 1
        yield 2
        raise error("broken")

    seen = []
    with pytest.raises(error, match="broken") as caught:
        for item in prefetch(make()):
            seen.append(item)  # noqa: PERF402  those before the error are wanted
    assert seen == [1, 2]
    assert "make" in [frame.name for frame in caught.traceback]


def test_immediate_producer_error_does_not_hang() -> None:
    class Closed(Iterable[int]):
        def __iter__(self) -> Iterator[int]:
            raise OSError("no such clip")

    with pytest.raises(OSError, match="no such clip"):
        next(prefetch(Closed()))


def test_error_while_closing_does_not_hang() -> None:
    def make() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise OSError("cannot close")

    with pytest.raises(OSError, match="cannot close"):
        list(prefetch(make()))


@pytest.mark.parametrize("ahead", [1, 3])
def test_producer_respects_the_bound(ahead: int) -> None:
    made: list[int] = []
    enough = threading.Event()

    def make() -> Iterator[int]:
        for k in range(100):
            made.append(k)
            if len(made) == ahead + 2:
                enough.set()
            yield k

    items = prefetch(make(), ahead)
    assert next(items) == 0
    assert enough.wait(WAIT_S)  # one given, `ahead` waiting, one in the maker's hand
    assert not threading.Event().wait(0.25)
    assert len(made) == ahead + 2
    items.close()


def test_producer_and_consumer_overlap() -> None:
    """Each waits for the other to be at work: without overlap both would wait in vain."""
    maker_at_work, user_at_work = threading.Event(), threading.Event()
    met = []

    def make() -> Iterator[int]:
        yield 0
        maker_at_work.set()
        met.append(user_at_work.wait(WAIT_S))
        yield 1

    for item in prefetch(make()):
        if item == 0:
            user_at_work.set()
            met.append(maker_at_work.wait(WAIT_S))
    assert met == [True, True]


def test_closing_early_stops_and_closes_the_producer() -> None:
    closed_in = []

    def make() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed_in.append(threading.current_thread().name)

    items = prefetch(make(), 2)
    assert next(items) == 0
    items.close()
    assert closed_in == ["kinoloom-prefetch"]
    assert "kinoloom-prefetch" not in threads()


def test_consumer_error_stops_the_producer() -> None:
    with pytest.raises(ZeroDivisionError):
        for item in prefetch(range(1000)):
            1 / item
    assert "kinoloom-prefetch" not in threads()


def test_nothing_is_produced_before_iteration() -> None:
    made = []
    items = prefetch(made.append(k) for k in range(3))
    assert threads().count("kinoloom-prefetch") == 0
    assert made == []
    items.close()

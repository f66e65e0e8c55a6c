"""Python exits while a prefetching generator is still open."""

import subprocess
import sys

SCRIPT = """
from itertools import count
from kinoloom.base.prefetch import prefetch

numbers = prefetch(count())
print(next(numbers))
"""


def test_an_open_prefetch_does_not_keep_python_from_exiting() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "0\n"
    assert done.stderr == ""

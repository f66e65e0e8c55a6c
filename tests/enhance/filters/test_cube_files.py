"""Files in the format `.cube`."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kinoloom.enhance.filters.lut.cube_file import read_cube, write_cube
from kinoloom.enhance.filters.lut.filter import Lut
from kinoloom.enhance.filters.lut.tables import ColorLut, Lut1D, Lut3D, Triple, identity_lut
from kinoloom.errors import (
    ArrayError,
    InputNotFoundError,
    MediaError,
    OutputExistsError,
    UnreadableMediaError,
    UnsupportedMediaError,
    UsageError,
)

ROWS = "0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n"
VALUES = st.floats(-2, 4, width=32)


@st.composite
def luts(draw: st.DrawFn) -> ColorLut:
    """Any LUT that a file can hold."""
    has = draw(st.sampled_from([(True, False), (False, True), (True, True)]))

    def domain() -> tuple[Triple, Triple]:
        low = [draw(st.integers(-4, 0)) / 8 for _ in range(3)]
        high = [draw(st.integers(1, 20)) / 8 for _ in range(3)]
        if all(has):
            low, high = low[:1] * 3, high[:1] * 3
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    shaper = lattice = None
    if has[0]:
        count = draw(st.integers(2, 20))
        shaper = Lut1D(draw(arrays.arrays(np.float32, (count, 3), elements=VALUES)), *domain())
    if has[1]:
        shape = (draw(st.integers(2, 4)),) * 3 + (3,)
        lattice = Lut3D(draw(arrays.arrays(np.float32, shape, elements=VALUES)), *domain())
    return ColorLut(shaper, lattice, draw(st.sampled_from(["", "Film 5219", "Größe # 1"])))


@given(lut=luts(), digits=st.integers(1, 9))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_written_file_reads_back_to_the_printed_digits(
    tmp_path: Path, lut: ColorLut, digits: int
) -> None:
    path = tmp_path / "a.cube"
    write_cube(path, lut, digits=digits, overwrite=True)
    result = read_cube(path)
    assert result.title == lut.title
    for one, two in ((result.shaper, lut.shaper), (result.lattice, lut.lattice)):
        assert (one is None) == (two is None)
        if one is not None and two is not None:
            assert (one.low, one.high) == (two.low, two.high)
            printed = np.array([float(f"{v:.{digits}f}") for v in two.table.flat], np.float32)
            assert (one.table.ravel() == printed).all()
    again = tmp_path / "b.cube"
    write_cube(again, result, digits=digits, overwrite=True)
    assert again.read_bytes() == path.read_bytes()


def read(tmp_path: Path, text: str) -> ColorLut:
    path = tmp_path / "film.cube"
    path.write_text(text, "utf-8")
    return read_cube(path)


def test_red_changes_fastest(tmp_path: Path) -> None:
    lut = read(tmp_path, '# by hand\n\nTITLE "Corner"\nLUT_3D_SIZE 2\n' + ROWS)
    assert lut.lattice is not None
    assert lut.title == "Corner"
    assert (lut.lattice.table == identity_lut(2).table).all()
    assert lut.lattice.table[0, 0, 1].tolist() == [1, 0, 0]
    assert lut.lattice.table[1, 0, 0].tolist() == [0, 0, 1]


def test_all_ways_to_give_the_domain(tmp_path: Path) -> None:
    adobe = "DOMAIN_MIN -1 0 0.5\nDOMAIN_MAX 2 3 4\n"
    lattice = read(tmp_path, "LUT_3D_SIZE 2\n" + adobe + ROWS).lattice
    assert lattice is not None
    assert (lattice.low, lattice.high) == ((-1, 0, 0.5), (2, 3, 4))
    resolve = "LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE -0.5 1.5\nLUT_3D_SIZE 2\n"
    both = read(tmp_path, resolve + "LUT_3D_INPUT_RANGE 0 2\n0 0 0\n2 2 2\n" + ROWS)
    assert both.shaper is not None
    assert both.lattice is not None
    assert (both.shaper.low, both.shaper.high) == ((-0.5,) * 3, (1.5,) * 3)
    assert both.shaper.table.tolist() == [[0, 0, 0], [2, 2, 2]]
    assert (both.lattice.low, both.lattice.high) == ((0,) * 3, (2,) * 3)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_tabs_and_byte_order_marks(tmp_path: Path, line_end: str) -> None:
    text = "\ufeffLUT_1D_SIZE\t2\n # comment\n0\t0  0\n  1 1 1  \n# end\n"
    path = tmp_path / "a.cube"
    path.write_bytes(text.replace("\n", line_end).encode())
    lut = read_cube(path)
    assert lut.shaper is not None
    assert lut.shaper.table.tolist() == [[0, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 0: the header has neither LUT_1D_SIZE nor LUT_3D_SIZE"),
        ('TITLE "x"\n0 0 0\n', "line 2: the header has neither"),
        ("LUT_3D_SIZE 2\n" + ROWS[:-6], "line 8: the file ends after 7 of 8 rows"),
        ("LUT_3D_SIZE 2\n" + ROWS + "# more\n1 1 1\n", "line 11: expected only 8 rows"),
        ("LUT_3D_SIZE 2\n", "line 1: the file ends after 0 of 8 rows"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1\n", "line 3: expected 3 finite numbers, not '1 1'"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 one 1\n", "line 3: '1 one 1' is not 3 numbers"),
        ("LUT_1D_SIZE 2\n0 nan 0\n1 1 1\n", "line 2: expected 3 finite numbers"),
        ("LUT_1D_SIZE 2\n0 1e99 0\n1 1 1\n", "line 2: the value '1e\\+99' is too large"),
        ("LUT_1D_SIZE 1\n0 0 0\n", "line 1: LUT_1D_SIZE must be .* from 2 to 65536, not '1'"),
        ("LUT_3D_SIZE 300\n", "line 1: LUT_3D_SIZE must be .* from 2 to 256, not '300'"),
        ("LUT_3D_SIZE 2.5\n", "line 1: LUT_3D_SIZE must be a whole number"),
        ("LUT_3D_SIZE 2\nLUT_3D_SIZE 2\n", "line 2: LUT_3D_SIZE appears twice"),
        ("LUT_4D_SIZE 2\n", r"line 1: unknown keyword 'LUT_4D_SIZE'\. Keywords: TITLE"),
        ("LUT_1D_SIZE 2\nDOMAIN_MIN 0 0\n", "line 2: expected 3 finite numbers, not '0 0'"),
        ("LUT_1D_SIZE 2\nDOMAIN_MIN 1 1 1\n0 0 0\n", "line 3: the domain must begin below"),
        ("LUT_1D_SIZE 2\nLUT_3D_INPUT_RANGE 0 1\n0 0 0\n", "line 3: LUT_3D_INPUT_RANGE belongs"),
        ("LUT_1D_SIZE 2\nDOMAIN_MIN 0 0 0\nLUT_1D_INPUT_RANGE 0 1\n0 0 0\n", "cannot be used with"),
        ("LUT_1D_SIZE 2\n0 0 0\nDOMAIN_MIN 0 0 0\n", "line 3: 'DOMAIN_MIN 0 0 0' is not 3 numbers"),
        ("LUT_1D_SIZE 2\n" + "0" * 2000, "line 2: this is not a text file"),
        ("\0\0\0", "line 1: this is not a text file"),
    ],
)
def test_damaged_files_are_rejected_with_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(UnreadableMediaError, match=rf"film\.cube, .*{message}"):
        read(tmp_path, text)


def test_tables_for_video_range_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMediaError, match=r"line 2: LUT_IN_VIDEO_RANGE.*full range"):
        read(tmp_path, "LUT_3D_SIZE 2\nLUT_IN_VIDEO_RANGE\n" + ROWS)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"none\.cube does not exist"):
        Lut(file=tmp_path / "none.cube")
    with pytest.raises(UsageError, match=r"--file must name a \.cube file"):
        Lut()
    with pytest.raises(UnreadableMediaError, match="cannot be read: Is a directory"):
        read_cube(tmp_path)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    lattice, path = identity_lut(2), tmp_path / "a.cube"
    with pytest.raises(UsageError, match=r"digits .* from 1 to 9, not 0"):
        write_cube(path, ColorLut(lattice=lattice), digits=0)
    with pytest.raises(UsageError, match="a quote or a line feed"):
        write_cube(path, ColorLut(lattice=lattice, title='a "b"'))
    shaper = Lut1D(np.zeros((2, 3), np.float32), high=(1.0, 1.0, 2.0))
    with pytest.raises(UsageError, match="one domain for all channels"):
        write_cube(path, ColorLut(shaper, lattice))
    path.write_text("mine", "utf-8")
    with pytest.raises(OutputExistsError):
        write_cube(path, ColorLut(lattice=lattice))
    assert path.read_text("utf-8") == "mine"


def test_tables_are_checked() -> None:
    flat = np.zeros((2, 3), np.float32)
    with pytest.raises(ArrayError, match=r"1-D LUT must be .* not \(2,\)"):
        Lut1D(flat[:, 0])
    with pytest.raises(ArrayError, match=r"3-D LUT must be .* not \(2, 2, 3, 3\)"):
        Lut3D(np.zeros((2, 2, 3, 3), np.float32))
    with pytest.raises(ArrayError, match="finite float32 values, not float64"):
        Lut1D(flat.astype(np.float64))
    with pytest.raises(ArrayError, match="low < high"):
        Lut1D(flat, low=(0.0, 0.0, 1.0))
    with pytest.raises(ArrayError, match="needs a 1-D table"):
        ColorLut()
    with pytest.raises(ArrayError, match=r"2\.\.256 entries .* not 1"):
        identity_lut(1)


VALID = b'TITLE "x"\nLUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 0 1\n0 0 0\n1 1 1\n'


@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.tuples(st.integers(0, len(VALID)), st.integers(0, 9), st.binary(max_size=6)).map(
            lambda edit: VALID[: edit[0]] + edit[2] + VALID[edit[0] + edit[1] :]
        ),
    )
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_rejected_with_a_message(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.cube"
    path.write_bytes(data)
    try:
        lut = read_cube(path)
    except MediaError as error:
        assert str(path) in error.message
    else:
        assert lut.shaper is not None or lut.lattice is not None

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.read.row_index import RowIndex

few = st.integers(0, 3)
keys = st.lists(st.tuples(st.integers(-1, 3), few, few), max_size=40)


def index_of(rows: list[tuple[int, int, int]]) -> RowIndex:
    crop_id_N, view_N, fingerprint_N = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return RowIndex(crop_id_N, view_N.astype(np.uint8), fingerprint_N)


def found(index: RowIndex, crop_ids: list[int], fingerprints: list[int], view: int = 0) -> list[int]:
    return index.rows_of(np.array(crop_ids, np.int64), np.array(fingerprints, np.int64), view).tolist()


def test_a_crop_is_found_by_id_fingerprint_and_view_together():
    index = index_of([(2**62, 0, 5), (7, 0, 6), (7, 1, 8), (9, 1, 6)])
    assert found(index, [7, 2**62, 7, 9], [6, 5, 5, 6]) == [1, 0, -1, -1]
    assert found(index, [9, 7, 7], [6, 8, 6], view=1) == [3, 2, -1]
    assert found(index, [7], [6], view=2) == [-1]


def test_of_a_crop_that_changed_both_rows_are_found_by_their_fingerprints():
    assert found(index_of([(7, 0, 1), (8, 0, 1), (7, 0, 2)]), [7, 7, 7], [1, 2, 3]) == [0, 2, -1]


def test_of_a_key_that_occurs_twice_the_last_row_wins():
    assert found(index_of([(7, 0, 1), (7, 0, 2), (7, 0, 1)]), [7], [1]) == [2]


def test_a_row_without_a_crop_is_never_found():
    index = index_of([(-1, 0, 0), (3, 0, 0), (-1, 0, 0)])
    assert found(index, [-1, 3], [0, 0]) == [-1, 1]


def test_nothing_is_found_in_an_empty_store_and_for_no_crops():
    assert found(index_of([]), [1], [2]) == [-1]
    assert found(index_of([(1, 0, 2)]), [], []) == []


@given(keys, keys, few)
def test_every_lookup_is_what_a_dictionary_says(rows, wanted, view):
    table = {key: row for row, key in enumerate(rows) if key[0] >= 0}
    asked = [(crop_id, fingerprint) for crop_id, _, fingerprint in wanted]
    expected = [table.get((crop_id, view, fingerprint), -1) for crop_id, fingerprint in asked]
    crop_ids, fingerprints = ([key[axis] for key in asked] for axis in (0, 1))
    assert found(index_of(rows), crop_ids, fingerprints, view) == expected

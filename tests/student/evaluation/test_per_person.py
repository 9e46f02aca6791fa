import numpy as np
import pytest

from pipeline.errors import KDError
from student.evaluation.metrics.pck import MET, MISSED, NO_LABEL, NOT_PREDICTED
from student.evaluation.per_person import PersonVerdicts, read_per_person, write_per_person
from student.evaluation.scores import pck_of


@pytest.fixture
def verdicts(body, person, make_table, result):
    """Two people by two models: one meets all labels, the other has no nose and misses the second person."""
    table = make_table(np.stack([person, person]), np.array([[2] * 6, [2, 2, 2, 2, 0, 1]]))
    offset = np.zeros((2, 6, 2))
    offset[1] = 99

    def of(predictions):
        return PersonVerdicts.from_pck(table.crop_id, body, *pck_of(table, body, predictions))

    return {"toy-val": {"a": of(result(table)), "b b": of(result(table, offset=offset, without=[5]))}}


def test_what_is_written_is_read_again_by_model(tmp_path, body, verdicts):
    path = write_per_person(tmp_path / "per_person.npz", verdicts)
    read = read_per_person(path, "b b")["toy-val"]
    assert (read.crop_id.tolist(), read.joints) == ([100, 101], body.joints)
    assert read.of["PCK20"].tolist() == [
        [MET] * 5 + [NOT_PREDICTED],
        [MISSED] * 4 + [NO_LABEL, NOT_PREDICTED],
    ]
    assert read_per_person(path, "a")["toy-val"].of["PCKh50"].tolist() == [
        [MET] * 6,
        [MET] * 4 + [NO_LABEL, MET],
    ]
    assert read_per_person(path, "c") == {}


def test_a_length_that_the_convention_lacks_has_no_array(body, person, make_table, result):
    table = make_table(person[None])
    torso, _ = pck_of(table, body, result(table))
    assert list(PersonVerdicts.from_pck(table.crop_id, body, torso, None).of) == ["PCK20"]


def test_writing_twice_gives_the_same_bytes(tmp_path, verdicts):
    first = write_per_person(tmp_path / "per_person.npz", verdicts).read_bytes()
    assert write_per_person(tmp_path / "per_person.npz", verdicts).read_bytes() == first


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 torn"])
def test_a_damaged_file_says_how_to_write_it_again(tmp_path, content):
    path = tmp_path / "per_person.npz"
    path.write_bytes(content)
    with pytest.raises(
        KDError, match=r"per_person.npz cannot be read .* Write it again: kd-pipeline evaluate"
    ):
        read_per_person(path, "student")

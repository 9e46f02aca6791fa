import numpy as np

from student.evaluation.figures.lettering import paragraph, strip

INK, PAPER = (0, 0, 0), (255, 255, 255)


def inked(picture: np.ndarray) -> np.ndarray:
    """Columns with ink."""
    return np.flatnonzero((picture < 128).any(axis=(0, 2)))


def test_text_starts_at_the_left_and_the_other_text_ends_at_the_right():
    both = strip(200, 24, "student", INK, PAPER, right="12/17")
    left, right = strip(200, 24, "student", INK, PAPER), strip(200, 24, "", INK, PAPER, right="12/17")
    assert both.shape == (24, 200, 3)
    assert inked(left).max() < 100 < inked(right).min()
    assert np.array_equal(both, np.minimum(left, right))


def test_a_long_text_is_cut_before_the_other_one():
    long = strip(200, 24, "a teacher of a very long name indeed", INK, PAPER, right="12/17")
    right = strip(200, 24, "", INK, PAPER, right="12/17")
    start = inked(right).min()
    assert np.array_equal(long[:, start:], right[:, start:])
    assert inked(long[:, :start]).max() < start - 2


def test_a_paragraph_takes_as_many_lines_as_its_words_need():
    words = " ".join(["word"] * 30)
    assert paragraph(300, 20, "word", INK, PAPER).shape == (20, 300, 3)
    picture = paragraph(300, 20, words, INK, PAPER)
    assert picture.shape[0] % 20 == 0 and picture.shape[0] > 40
    for line in np.split(picture, picture.shape[0] // 20):
        assert 0 < inked(line).max() < 300


def test_letters_beyond_ascii_are_drawn():
    assert not np.array_equal(strip(80, 24, "é", INK, PAPER), strip(80, 24, "?", INK, PAPER))
    assert not np.array_equal(strip(80, 24, "é", INK, PAPER), strip(80, 24, "ü", INK, PAPER))

import csv
import io

from student.ablation.runs.tidy import paired_csv, results_csv, teachers_csv


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_number_has_a_row_of_its_own(make_comparison, make_result):
    found = rows(
        results_csv(make_comparison(make_result("kd", 3, {"first": 0.3, "mean": 0.25, "trunk": 0.125})))
    )
    assert [tuple(row.values()) for row in found] == [
        ("kd", "3", "dataset", "first", "coco17", "AP", "0.15000"),
        ("kd", "3", "dataset", "first", "coco17", "PCK20", "0.30000"),
        ("kd", "3", "mean", "mean", "", "PCK20", "0.25000"),
        ("kd", "3", "group", "trunk", "", "PCK20", "0.12500"),
    ]


def test_a_paired_row_says_what_was_compared_with_what(make_comparison, make_result):
    found = rows(
        paired_csv(
            make_comparison(
                make_result("gt", 0, {"first": 0.25}),
                make_result("gt", 1, {"first": 0.50}),
                make_result("kd", 0, {"first": 0.50}),
                make_result("kd", 1, {"first": 0.50}),
            )
        )
    )
    assert [tuple(row.values()) for row in found] == [
        ("kd", "gt", "dataset", "first", "coco17", "PCK20", "0.12500", "0.17678", "2", "1", "", "")
    ]


def test_a_paired_row_ends_in_the_interval_where_there_is_one(make_comparison, make_result, verdicts_of):
    found = rows(
        paired_csv(
            make_comparison(
                make_result("gt", 0, {"first": 0.0}, verdicts={"first": verdicts_of("x", "x")}),
                make_result("kd", 0, {"first": 0.5}, verdicts={"first": verdicts_of("m", "x")}),
            )
        )
    )
    assert [(row["mean"], row["low"], row["high"]) for row in found] == [("0.50000", "0.00000", "1.00000")]
    assert list(found[0])[-3:] == ["better", "low", "high"]


def test_teachers_have_a_file_of_their_own(make_comparison, make_result, make_teacher):
    teacher = make_teacher("lamp", {"first": 0.5, "mean": 0.4}, metrics={"first": {"AP": 0.25, "PCK20": 0.5}})
    comparison = make_comparison(make_result("kd", 3, {"first": 0.3}), teachers=[teacher])
    assert [tuple(row.values()) for row in rows(teachers_csv(comparison))] == [
        ("lamp", "dataset", "first", "coco17", "AP", "0.25000"),
        ("lamp", "dataset", "first", "coco17", "PCK20", "0.50000"),
        ("lamp", "mean", "mean", "", "PCK20", "0.40000"),
    ]
    assert {row["arm"] for row in rows(results_csv(comparison))} == {"kd"}

from student.ablation.table import ablation_table


def cells(table: str, arm: str) -> list[list[str]]:
    """Of the arm's rows, in the first and the second table."""
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith(f"| {arm} ")]
    return [[cell.strip() for cell in row[1:]] for row in rows]


def test_levels_and_differences_are_percent_with_one_decimal(make_comparison, make_result):
    table = ablation_table(
        make_comparison(
            make_result("gt", 0, {"first": 0.30, "second": 0.10, "mean": 0.20}, seconds=90.0),
            make_result("gt", 1, {"first": 0.34, "second": 0.10, "mean": 0.22}, seconds=110.0),
            make_result("kd", 0, {"first": 0.33, "second": 0.30, "mean": 0.315, "trunk": 0.5}),
            make_result("kd", 1, {"first": 0.33, "second": 0.30, "mean": 0.315, "trunk": 0.7}),
        )
    )
    assert cells(table, "gt") == [
        ["32.0 ± 2.8", "10.0 ± 0.0", "21.0 ± 1.4", "-", "2", "40", "100 s"],
    ]
    levels, differences = cells(table, "kd")
    assert levels[:4] == ["33.0 ± 0.0", "30.0 ± 0.0", "31.5 ± 0.0", "60.0 ± 14.1"]
    assert differences == ["+1.0 ± 2.8 (1/2)", "+20.0 ± 0.0 (2/2)", "+10.5 ± 1.4 (2/2)", "-"]
    assert "first (coco17)" in table and "second (mpii16)" in table


def test_one_seed_has_no_deviation_and_an_arm_without_a_run_no_number(make_comparison, make_result):
    table = ablation_table(make_comparison(make_result("gt", 0, {"first": 0.25}), arms=("gt", "kd")))
    assert cells(table, "gt")[0][0] == "25.0"
    assert cells(table, "kd") == [["-"] * 4 + ["0", "-", "-"], ["-"] * 4]


def test_differences_are_over_seeds_that_both_arms_have(make_comparison, make_result):
    table = ablation_table(
        make_comparison(
            make_result("gt", 0, {"first": 0.30}),
            make_result("kd", 0, {"first": 0.35}),
            make_result("kd", 1, {"first": 0.99}),
        )
    )
    assert cells(table, "kd")[1][0] == "+5.0 (1/1)"


def test_the_wall_time_is_of_runs_that_were_not_interrupted(make_comparison, make_result):
    table = ablation_table(
        make_comparison(
            make_result("gt", 0, {}, seconds=100.0),
            make_result("gt", 1, {}, seconds=7.0, resumed_from_epoch=3),
            make_result("kd", 0, {}, seconds=7.0, resumed_from_epoch=3),
        )
    )
    assert cells(table, "gt")[0][-1] == "100 s"
    assert cells(table, "kd")[0][-1] == "-"


def test_teacher_forward_passes_are_summed_over_all_runs(make_comparison, make_result):
    results = [make_result("gt", 0, {}), make_result("kd", 0, {}, teacher_forward_passes=3)]
    assert "Teacher forward passes: 0, in the training and evaluation of 1 runs." in ablation_table(
        make_comparison(results[0])
    )
    assert "Teacher forward passes: 3, " in ablation_table(make_comparison(*results))


def test_numbers_over_fewer_joints_are_marked(make_comparison, make_result):
    lacking = {"incomplete": ["first"], "not_predicted": {"first": ("nose",), "second": ()}}
    table = ablation_table(
        make_comparison(
            make_result("gt", 0, {"first": 0.3, "second": 0.3}, **lacking),
            make_result("kd", 0, {"first": 0.3}),
        )
    )
    assert cells(table, "gt")[0][:2] == ["30.0*", "30.0"]
    assert cells(table, "kd")[0][0] == "30.0"
    assert "Not predicted: gt on first: nose." in table


def test_teachers_stand_under_the_arms_with_what_they_have(make_comparison, make_result, make_teacher):
    """`lamp` is also an arm's name."""
    lacking = {"incomplete": frozenset({"first"}), "not_predicted": {"first": ("nose",)}}
    table = ablation_table(
        make_comparison(
            make_result("gt", 0, {"first": 0.3}),
            arms=("gt", "lamp"),
            teachers=[make_teacher("lamp", {"first": 0.876, "trunk": 0.5}, **lacking)],
        )
    )
    assert cells(table, "lamp (teacher)") == [["87.6*", "-", "-", "50.0", "-", "-", "-"]]
    assert len(cells(table, "lamp")) == 3  # as an arm in both tables, and once as a teacher
    assert "Not predicted: lamp on first: nose." in table


def test_what_is_missing_or_not_comparable_is_stated(make_comparison, make_result, open_ablation):
    other = {"data": {"evaluate": {"first": ["bb"]}}}
    table = ablation_table(
        make_comparison(
            make_result("gt", 0, {}),
            make_result("kd", 0, {}, **other),
            unfinished=open_ablation().runs(["kd"]),
        )
    )
    assert "Not finished: kd seed 0, kd seed 1." in table
    assert "Not all runs were evaluated on the same labels" in table


def test_without_a_baseline_there_are_no_differences(make_comparison, make_result):
    table = ablation_table(make_comparison(make_result("kd", 0, {"first": 0.3}), baseline=None))
    assert len(cells(table, "kd")) == 1 and "Minus" not in table


def test_the_interval_is_of_the_mean_of_paired_differences_over_the_same_people(
    make_comparison, make_result, verdicts_of
):
    """Two people with a label each. kd meets both; gt meets the first with seed 0 and none with seed 1. If
    the second alone is drawn, the differences are 1 and 1, if the first alone, 0 and 1: from 0.5 to 1."""
    right = {"first": verdicts_of("m", "m")}
    table = ablation_table(
        make_comparison(
            make_result("gt", 0, {"first": 0.5}, verdicts={"first": verdicts_of("m", "x")}),
            make_result("gt", 1, {"first": 0.0}, verdicts={"first": verdicts_of("x", "x")}),
            make_result("kd", 0, {"first": 1.0}, verdicts=right),
            make_result("kd", 1, {"first": 1.0}, verdicts=right),
        )
    )
    assert cells(table, "kd")[1][0] == "+75.0 ± 35.4 [+50.0, +100.0] (2/2)"
    assert "without interval" not in table


def test_there_is_no_interval_over_different_people_or_of_runs_without_verdicts(
    make_comparison, make_result, verdicts_of
):
    results = [
        make_result("gt", 0, {"first": 0.5}, verdicts={"first": verdicts_of("m", "x")}),
        make_result("kd", 0, {"first": 1.0}, verdicts={"first": verdicts_of("m", "m", "m")}),
    ]
    assert cells(ablation_table(make_comparison(*results)), "kd")[1][0] == "+50.0 (1/1)"
    earlier = make_result("kd", 0, {"first": 1.0})
    table = ablation_table(make_comparison(results[0], earlier))
    assert cells(table, "kd")[1][0] == "+50.0 (1/1)"
    assert "Evaluated by an earlier version, so without interval: kd seed 0. Run kd-pipeline ablate" in table

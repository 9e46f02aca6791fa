"""The benchmark of a student beside its teachers, on networks of milliseconds."""

import json

from click.testing import CliRunner
from lamp_workspace import kd, write_params, write_people, write_teacher

from benchmarks.student_speed import main


def test_every_network_of_the_workspace_is_listed_beside_the_student(tmp_path):
    write_people(tmp_path)
    write_teacher(tmp_path / "teachers" / "lamp")
    write_params(tmp_path, lambda params: params.update(distill={"weight": 0}))
    options = ["--workspace", str(tmp_path), "--rounds", "1", "--seconds", "0.05", "--json"]
    refused = CliRunner().invoke(main, options)
    assert refused.exit_code == 1 and "kd-pipeline train-student" in refused.output
    kd(tmp_path, "index-datasets")
    kd(tmp_path, "train-student")
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 0, done.output
    networks = json.loads(done.output)["networks"]
    assert networks.keys() == {"student", "lamp"}
    assert networks["student"]["student_times_as_fast"] == 1
    assert networks["lamp"]["file_mb"] < 0.05 < networks["student"]["file_mb"], "one convolution"

"""`python -m stages` is `kd-pipeline`."""

from stages.cli import main

main(prog_name="kd-pipeline")

"""`kd-pipeline ablate`."""

"""What each joint of each crop is taught, by whom, and how strongly: from a store's rows to targets and
weights.

`batch_targets` is the way in: a training batch goes in, and out come the labels' and every teacher's targets
with their weights. docs/targets.md has the figure.

Axes: B crops of a batch, A those of them that a teacher answered, K a teacher's joints, R its relations
(teacher joint -> union joint), U union joints, N maps that are spread out, P positions of the student's
map, H and W rows and columns of a plane.
"""

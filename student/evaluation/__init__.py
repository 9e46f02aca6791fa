"""How well a student, and each teacher, does on each dataset in that dataset's own convention."""

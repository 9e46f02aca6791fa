"""The losses of a student's predictions, and how they add up."""

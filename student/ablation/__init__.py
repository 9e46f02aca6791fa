"""Many trainings from one extraction, compared."""

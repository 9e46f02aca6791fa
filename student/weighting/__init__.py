"""How much each teacher is trusted, per crop and joint."""

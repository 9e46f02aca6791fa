"""What a student's answer costs, and how the costs add up."""

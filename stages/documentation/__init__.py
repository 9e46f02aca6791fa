"""The reference pages of docs/, made from the code that they describe: `python -m stages.documentation`."""

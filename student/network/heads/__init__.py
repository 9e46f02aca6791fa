"""Heads: one feature map in, logits over positions out."""

"""Gaps between the two books of a flow: how unusual they are, and what they are made of."""

"""Breaks: months in which the level of a series changed, with dates, sizes and the events before them."""

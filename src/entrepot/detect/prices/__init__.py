"""Unit values: outliers, the mark-up of a destination, and a change of value in price and volume."""

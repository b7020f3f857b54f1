"""Models of trade: worlds with a known truth."""

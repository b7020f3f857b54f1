"""How much of the trade in a product could have gone in circles, beyond what it always could."""

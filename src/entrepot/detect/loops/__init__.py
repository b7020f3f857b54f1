"""Round trips maker → via → maker: what leaves and is bought back, with amounts, mark-up and lag."""

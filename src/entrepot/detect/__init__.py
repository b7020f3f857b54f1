"""What happened to flows: detours, and the kernels that find them."""

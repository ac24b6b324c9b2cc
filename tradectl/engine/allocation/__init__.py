"""How equity is shared among strategies: policies as pure functions, and the allocator that applies them."""

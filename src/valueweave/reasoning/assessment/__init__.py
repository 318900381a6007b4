"""Which conditions of a class a thing meets, and what would meet the others."""

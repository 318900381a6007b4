"""What a description logic reasoner adds, and questions about classes and properties."""

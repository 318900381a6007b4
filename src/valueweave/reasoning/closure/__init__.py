"""Everything that follows: at once on tables, and step by step as a store changes."""

"""Rules: what they are, how axioms and SPARQL become rules, in which order they run, how they ask a store."""

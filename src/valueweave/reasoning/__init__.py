"""What follows from what is stated.

In: quads and the ontology. Out: inferred quads.
The decision hidden here: how rules are run to a fixpoint, and which reasoner answers description-logic questions.
"""

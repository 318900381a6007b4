"""Analyses: what a knowledge graph says when its records are held against each other.

In: an open :class:`~valueweave.graph.KnowledgeGraph`. Out: reports for Python, people and programs.
The decision hidden here: one module an analysis; what is compared or computed stands in queries under ``ontology/``.
"""

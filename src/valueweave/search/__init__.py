"""Search: which things and terms a few words may mean.

In: the texts of a store (``ontology/lookups/texts.rq`` says which). Out: hits in order, with what matched marked.
The decision hidden here: how texts are folded, which words count as near, and what comes first.

``folding`` (what counts as the same text) → ``texts`` (what is read from the store) → ``index`` (where words stand) →
``matching`` (which things fit, and how well) → ``hits`` (what is shown of them).
"""

from valueweave.search.hits import Hit, HitPage, Match, Span
from valueweave.search.matching import RANKS, Rank
from valueweave.search.search import Search

__all__ = ["RANKS", "Hit", "HitPage", "Match", "Rank", "Search", "Span"]

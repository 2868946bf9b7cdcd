"""What is known: sources, catalog, embedder, index, search, citations. Imports none of its siblings."""

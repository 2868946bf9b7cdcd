"""A file or page -> `Document` -> `Chunk` -> index. Plans before it acts."""

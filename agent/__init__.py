"""A question -> understanding -> tools -> a checked answer, as one stream of events."""

"""Answers through a language model: what it says is checked against what the offline agent found, sentence by sentence."""

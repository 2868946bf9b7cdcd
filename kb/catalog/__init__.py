"""Reviewed data: entities (models, plans, documents ...), their claims, the field registry, GPUs and architectures."""

"""The advisor as a model behind an OpenAI-compatible API."""

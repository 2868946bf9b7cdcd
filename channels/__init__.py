"""Thin adapters on the agent's events: command line, team chat, API."""

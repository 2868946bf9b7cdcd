"""Page, API, team chat, MCP, health and metrics in one process."""

"""The part of team chat that no platform differs in: inbox, worker, outbox, commands, rendering. Imports no chat SDK."""

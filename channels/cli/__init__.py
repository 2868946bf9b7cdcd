"""The `advisor` command: one module a group of commands, each registered when it is asked for."""

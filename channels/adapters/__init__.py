"""One set of modules a chat platform: what is a valid request, what it says, how an answer is shown there."""

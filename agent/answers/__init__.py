"""One module for each kind of answer: takes the turn's `Work`, returns a `Draft`, or None if it is not its kind."""

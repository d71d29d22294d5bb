help quit

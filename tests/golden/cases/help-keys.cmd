help keys

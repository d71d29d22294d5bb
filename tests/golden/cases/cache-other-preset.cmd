cache build --preset seed --quiet

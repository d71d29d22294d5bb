help cache build

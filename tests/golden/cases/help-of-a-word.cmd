help cache

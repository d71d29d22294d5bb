cache nonsense

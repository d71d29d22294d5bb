help universe events

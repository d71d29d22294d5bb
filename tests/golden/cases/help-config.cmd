help config

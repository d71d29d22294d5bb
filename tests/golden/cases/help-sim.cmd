help sim

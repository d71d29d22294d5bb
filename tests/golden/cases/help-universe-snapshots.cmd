help universe snapshots

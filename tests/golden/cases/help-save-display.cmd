help save-display

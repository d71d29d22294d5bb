help theme

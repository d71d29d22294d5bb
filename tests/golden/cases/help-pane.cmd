help pane

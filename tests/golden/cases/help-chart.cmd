help chart

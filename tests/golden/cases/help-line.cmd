help line

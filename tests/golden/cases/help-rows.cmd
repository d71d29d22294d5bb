help rows

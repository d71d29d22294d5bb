help hours

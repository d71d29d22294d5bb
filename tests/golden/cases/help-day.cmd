help day

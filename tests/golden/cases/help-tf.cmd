help tf

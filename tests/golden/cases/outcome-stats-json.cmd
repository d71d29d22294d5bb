outcome --stats --rows all --format json

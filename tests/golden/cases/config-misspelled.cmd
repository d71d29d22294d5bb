config --config misspelled.yaml

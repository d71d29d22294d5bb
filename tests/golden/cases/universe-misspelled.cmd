universe build --universe-config misspelled.yaml

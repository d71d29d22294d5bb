config --config none.yaml

help ingest

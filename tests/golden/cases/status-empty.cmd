status --lake nowhere

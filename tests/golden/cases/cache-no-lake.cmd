cache build --lake nowhere

"""What a person or a script meets: options, documents, tables, the live view, errors."""

"""The command line as a contract: exit codes, documents, errors."""

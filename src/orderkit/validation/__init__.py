"""The parts of the validation chain, one kind of rule per file; `orderkit.utils` is its public face."""

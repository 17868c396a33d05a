"""The gateway and the user stream against recorded and scripted answers."""

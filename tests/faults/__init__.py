"""Whatever dies and wherever: nothing lost, nothing sent twice."""

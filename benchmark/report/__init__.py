"""What a report shows of a run: collected from its tables and its store, and the pictures drawn."""

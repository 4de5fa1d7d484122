"""What networks learn instead of labels: representations on disk, their class means, codes that need no search."""

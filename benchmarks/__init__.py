"""What evokit costs and how fast it is, beside named peers."""

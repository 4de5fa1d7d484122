"""What a run measures generation by generation: shards of the training images, and networks between two cycles."""

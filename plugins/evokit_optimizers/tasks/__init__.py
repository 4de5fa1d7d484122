"""What optimizers are measured on: images or text with the network that learns them."""

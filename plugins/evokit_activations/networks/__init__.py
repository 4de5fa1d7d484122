"""The convolutional network: its layers, its first parameters, the images that it reads and how it is trained."""

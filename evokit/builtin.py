"""The core's own components, through the same door as anyone's."""

"""What stands in an image: its files with what they are, its packages, its layers, how it is started."""

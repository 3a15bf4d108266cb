"""What musl's dynamic loader would do, on paper: where it looks, what it loads, which symbols are missing."""

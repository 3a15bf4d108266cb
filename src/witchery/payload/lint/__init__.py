"""What should not be in an image: private keys, secrets, tokens, leftovers, copies."""

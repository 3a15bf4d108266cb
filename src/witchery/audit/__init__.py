"""How far an image is hardened, and what in it may serve an attacker: rules, a score, what is let pass."""

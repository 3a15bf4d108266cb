"""Node applications: which Node they need, what they are made of, and which addons Alpine cannot load."""

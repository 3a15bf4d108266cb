"""Python applications: which Python they need, what they are made of, and what does not run on Alpine."""

"""Programs and libraries: what they need, what they were made for, and what is dangerous in their headers."""

"""Everything about an image as one value, as a JSON document, and as one page of HTML."""

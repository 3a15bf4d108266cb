"""Bytes on disk: content-addressed blobs, image layouts, archives, unpacked trees. Every write is atomic."""

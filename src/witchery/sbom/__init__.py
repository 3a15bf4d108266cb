"""Bills of materials: what an image consists of, and how SPDX and CycloneDX say it."""

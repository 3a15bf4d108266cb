"""What differs between two images: packages, files, how they start, layers, ABIs, licences, CVEs."""

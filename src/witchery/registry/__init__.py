"""The protocol of registries, as requests to send and answers to read; nothing is sent from here.

Sources: OCI distribution-spec 1.1; the registry and token documents of the Docker project (distribution).
"""

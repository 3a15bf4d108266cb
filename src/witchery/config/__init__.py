"""The YAML that describes an image: a superset of apko's schema.

One table is the source of everything: the fields of the classes in `model` say which keys there are, what
their values look like (`kinds`, `values`), what they mean and what holds without them. From it come the
decoder (`decode`), the rules of `include:` (`merge`), the printed form (`encode`), the JSON schema of editors
(`schema`) and the reference page (`reference`). `load` is the door.
"""

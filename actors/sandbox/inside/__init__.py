"""What runs beside untrusted code: the template and the first process of each sandbox.

Standard library only, started by path with an empty environment. Everything is imported before
the root of the file system changes.
"""

"""What runs on the user's Python: the standard library and torch only, never the rest of nnconvert.

``server.py`` is started by path and loads its neighbours under a package name of its own, so that nothing
here can hide a module of the user.
"""

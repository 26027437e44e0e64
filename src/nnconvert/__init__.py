"""Rewrites PyTorch source between functionals and submodules, and proves that nothing changed."""

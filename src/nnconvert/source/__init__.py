"""Reading source with the standard library's ast: names, module classes, construction, constants."""

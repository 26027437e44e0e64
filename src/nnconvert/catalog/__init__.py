"""Every functional of torch.nn.functional and the module class that does the same, as data."""

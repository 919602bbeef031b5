"""The version, and that of the hardware libraries scripts ask for, which penlight does not use."""

cuda = None
hip = None
debug = False

"""Contract tests of ports: an implementation proves itself by subclassing the one of its port."""

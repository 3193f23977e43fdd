"""Stages bound to the real world, one module each, so that a worker loads only what its stage needs."""

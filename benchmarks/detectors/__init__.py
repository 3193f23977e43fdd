"""What the detector benchmarks share: a simulator, rival detectors, and NAB's scoring."""

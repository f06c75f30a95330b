"""The same regions on a device: Triton kernels that compute them tile by tile."""

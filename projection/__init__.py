"""Volumes, segmentation, anatomy, rays, measurement."""

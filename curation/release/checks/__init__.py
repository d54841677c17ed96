"""What ``check`` proves of every release, one module for each kind of promise."""

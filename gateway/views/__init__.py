"""The gateway's endpoints: a small file each."""

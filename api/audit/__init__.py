"""The audit log: written where views say what they do, read over HTTP."""

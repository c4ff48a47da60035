"""What happens to jobs when processes and servers do not behave."""

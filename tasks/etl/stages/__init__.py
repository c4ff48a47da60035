"""The four stages as functions over a database: the jobs and the notebook classes run the same ones."""

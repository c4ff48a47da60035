"""Bring orders in from CSV files and workbooks."""

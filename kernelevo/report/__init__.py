"""What people see of a run: tables, lines, pages."""

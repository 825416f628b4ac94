"""Rating scales and questions of comparison: read from files, shown, keyed and scored."""

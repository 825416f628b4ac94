"""The journal of model replies: written by runs, read by whoever looks at one."""

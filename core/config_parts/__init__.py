"""Parts of the settings of a run: how a model is asked, and how several sources are put together."""
